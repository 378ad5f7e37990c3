/** How an apply goes about it unless told otherwise, from the command line, the API and a merge alike. */
export const applyDefaults = { max: 10, lockTimeoutMs: 3000, statementTimeoutMs: 0 } as const

/** How long what was there before is kept unless told otherwise; in days. */
export const restorePointDays = 7
