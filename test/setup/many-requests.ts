/** Tests do in seconds what people do in an hour, as one user. Those of quotas have settings of their own. */
export const MANY_REQUESTS = "off";
