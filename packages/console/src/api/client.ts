import {
  ApiError,
  apiBasePath,
  consoleHeader,
  type ConsoleSession,
  consoleSessionUrl,
  createClient,
} from '@coppice/api/client'

/** The API, as everybody's programs have it; the session's cookie takes the place of a key. */
export const api = createClient({
  baseUrl: location.origin + apiBasePath,
  headers: { [consoleHeader]: '1' },
})

export type Proof = { api_key: string } | { password: string } | { link: string }

/** Who is signed in. */
export const getSession = async (): Promise<ConsoleSession> => callSession('GET')
export const signIn = async (proof: Proof): Promise<ConsoleSession> => callSession('POST', proof)
export const signOut = async (): Promise<ConsoleSession> => callSession('DELETE')

async function callSession(method: string, body?: Proof): Promise<ConsoleSession> {
  const response = await fetch(consoleSessionUrl, {
    method,
    headers: {
      [consoleHeader]: '1',
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
  })
  if (response.ok) return (await response.json()) as ConsoleSession
  const answer = (await response.json().catch(() => undefined)) as
    | { code: string; message: string }
    | undefined
  throw new ApiError(response.status, answer ?? { code: 'internal', message: 'no answer to read' })
}
