// A session, as its user sees it.

export interface SessionView {
  session_id: string;
  created_at: string;
  expires_at: string;
  last_used_at: string | null;
  user_agent: string | null;
  address: string | null;
}
