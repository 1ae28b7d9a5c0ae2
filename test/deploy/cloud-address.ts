/** Where `cloud.ts` listens, in its own network, so any port is free. */
export const cloudPort = 9000
export const cloudUrl = `http://127.0.0.1:${cloudPort}`
/** What the metadata service says; a machine keeps it however often it is restarted and its user-data changes. */
export const instanceId = 'i-0123456789abcdef0'
