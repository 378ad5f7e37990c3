/** What one gateway lets its clients take; each has a default that fits one machine. */
export interface GatewayLimits {
  /** Clients at once, logged in or not. Each takes two file descriptors and some 10 kB. */
  maxConnections: number
  /** Logged-in clients of one endpoint. Neon's pooler admits as many (`max_client_conn`). */
  maxConnectionsPerEndpoint: number
  /** Failed logins from one address within `failureWindowMs`, after which it has to wait. */
  maxFailuresPerAddress: number
  failureWindowMs: number
  /** From the first byte to a checked password; Neon's figure. */
  handshakeTimeoutMs: number
  /** From a checked password to the compute's readiness. A compute may have to replay WAL first. */
  startTimeoutMs: number
  /** How long `stop` lets busy sessions finish what they do. */
  drainGraceMs: number
}

export const defaultLimits: GatewayLimits = {
  maxConnections: 20_000,
  maxConnectionsPerEndpoint: 10_000,
  maxFailuresPerAddress: 100,
  failureWindowMs: 60_000,
  handshakeTimeoutMs: 15_000,
  startTimeoutMs: 120_000,
  drainGraceMs: 10_000,
}
