/**
 * What of the state directory is in a backup, beside the store and the pool: what the platform remembers, its
 * keys and its authority, and of each compute what it is started from and whom it lets in. What comes of
 * them, such as logs and PostgreSQL's configuration, is made anew.
 */
const pattern =
  /^(config\.json|secret\.key|api-key|s3-credentials\.json|tls(\/[^/]+)?|computes(\/[^/]+(\/(spec|catalog|usage)\.json)?)?)$/

/** Of a path below the state directory. */
export const isHomeFile = (path: string): boolean => pattern.test(path) && !path.includes('/.')
