import type { EndpointAwake } from '@coppice/api'

export interface AwakeCompute extends EndpointAwake {
  /** Its branch, and what it is where that is not its primary. */
  label: string
}
