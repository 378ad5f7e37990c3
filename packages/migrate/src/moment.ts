/** A moment in a branch's past; without either, what it is now. */
export interface Moment {
  timestamp?: string
  lsn?: string
}

/** Whether no moment was named. */
export function isNow({ timestamp, lsn }: Moment): boolean {
  return timestamp === undefined && lsn === undefined
}
