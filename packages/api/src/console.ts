/**
 * What the console's browser and the server agree on besides the API: signing in. Not for programs, which
 * send their API key.
 */

/** POST signs in, DELETE signs out, GET says who is signed in. */
export const consoleSessionUrl = '/console/session'

/** Sent with every call of the console: other sites cannot make a browser send it without asking first. */
export const consoleHeader = 'x-coppice-console'

/** The answer of all three. */
export interface ConsoleSession {
  signed_in: boolean
  /** Whether there is a password to sign in with. */
  password_set: boolean
  version?: string
  /** Of the key that the session acts with; the owner's reaches everything. */
  kind?: 'user' | 'organization'
  /** The one project that it reaches, where it is for one. */
  project_id?: string
}
