/** Something long-lived. `main` starts services in order and stops them in reverse; `stop` may be called twice. */
export interface Service {
  start(): Promise<void>
  stop(): Promise<void>
}
