import { signatureOf } from './session-variables.ts'

/** Session variables as a client wants them or a server session has them. */
export interface Variables {
  readonly values: ReadonlyMap<string, string>
  /** Equal exactly where the values are. */
  readonly signature: string
}

export function variablesOf(values: ReadonlyMap<string, string>): Variables {
  return { values, signature: signatureOf(values) }
}

export const noVariables = variablesOf(new Map())
