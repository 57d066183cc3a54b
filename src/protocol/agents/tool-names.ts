// The server's own tools by name, also those that a setting has to offer first. Settings that name a tool are checked
// before any tool is made; a test compares this list with the tools.

export const toolNames: readonly string[] = [
  ...["create_tasks", "view_tasks", "update_tasks", "delete_tasks", "clear_all"],
  ...["execute_command", "check_command_output", "send_command_input", "terminate_command", "list_commands"],
  ...["create_file", "read_file", "edit_file", "delete_file", "move_file"],
  ...["list_files", "find_files", "search_files"],
  ...["git_clone", "git_status", "git_commit", "git_push", "git_pull", "git_branch"],
  ...["expose_port", "web_search", "fetch_url", "read_result", "ask", "complete"],
];
