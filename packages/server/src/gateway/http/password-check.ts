/**
 * Checks passwords that come in clear inside TLS. A request has one each time, so what a good one is
 * worth is remembered, for PBKDF2 takes milliseconds by design, and for a moment also what it was
 * checked against, for that is asked of the compute.
 */
import { createHmac, randomBytes } from 'node:crypto'

import { keysOfPassword, type ScramKeys, type ScramVerifier } from '../../lib/scram.ts'
import { abortable, pause } from '../abortable.ts'
import type { EndpointAccess } from '../control-plane.ts'
import { passwordFailure } from '../errors.ts'
import {
  failureDelayMs,
  type Login,
  type LoginContext,
  lookUp,
  maxPasswordBytes,
  requireAccess,
} from '../login.ts'

export interface PasswordLogin {
  endpointId: string
  pooled: boolean
  user: string
  password: string
  clientAddress: string
  replication?: boolean
}

interface KnownKeys {
  keys: Promise<ScramKeys | undefined>
  since: number
}

/** What a role's last login was checked against. */
interface Account {
  verifier: ScramVerifier
  since: number
}

const maxEntries = 10_000
const maxKnownMs = 300_000
/** So long a password that has been changed may go on; the new one does at once. */
const maxAccountMs = 1_000

export class PasswordCheck {
  readonly #context: LoginContext
  /** By what the password is a proof of; never by the password. Least recently used first. */
  readonly #known = new Map<string, KnownKeys>()
  readonly #accounts = new Map<string, Account>()
  readonly #secret = randomBytes(32)

  constructor(context: LoginContext) {
    this.#context = context
  }

  /** As `logIn`: rejects with ClientError, alike for all that is wrong or does not exist. */
  async logIn(login: PasswordLogin, signal: AbortSignal): Promise<Login> {
    const { admission } = this.#context
    admission.checkAddress(login.clientAddress)
    const isTooLong = Buffer.byteLength(login.password) > maxPasswordBytes
    const success = isTooLong
      ? undefined
      : ((await this.#logInAgain(login)) ?? (await this.#logInAnew(login, signal)))
    if (success === undefined) {
      admission.recordFailure(login.clientAddress)
      await pause(failureDelayMs, signal)
      throw passwordFailure(login.user)
    }
    requireAccess(success.access, login)
    return { endpointId: login.endpointId, pooled: login.pooled, keys: success.keys }
  }

  /** A good password of a moment ago, without asking the compute. */
  async #logInAgain({ endpointId, user, password }: PasswordLogin): Promise<Success | undefined> {
    const account = this.#accounts.get(accountName(endpointId, user))
    if (account === undefined || isOlder(account, maxAccountMs)) return undefined
    const known = this.#known.get(this.#nameOf(password, account.verifier))
    if (known === undefined || isOlder(known, maxKnownMs)) return undefined
    const keys = await known.keys
    // An error is met again by who asks anew, and told.
    const access = await this.#context.controlPlane.findEndpoint(endpointId).catch(() => undefined)
    return keys && access && { keys, access }
  }

  async #logInAnew(
    { endpointId, user, password }: PasswordLogin,
    signal: AbortSignal,
  ): Promise<Success | undefined> {
    const since = performance.now()
    const { verifier, access } = await abortable(lookUp(endpointId, user, this.#context), signal)
    const keys = await abortable(this.#keysOf(password, verifier), signal)
    if (keys === undefined || access === undefined) return undefined
    putLast(this.#accounts, accountName(endpointId, user), { verifier, since })
    return { keys, access }
  }

  async #keysOf(password: string, verifier: ScramVerifier): Promise<ScramKeys | undefined> {
    const name = this.#nameOf(password, verifier)
    const known = this.#known.get(name)
    if (known && !isOlder(known, maxKnownMs)) {
      putLast(this.#known, name, known)
      return known.keys
    }
    const keys = keysOfPassword(password, verifier)
    putLast(this.#known, name, { keys, since: performance.now() })
    // Only what was good is remembered: guesses would push it out.
    const forget = () => this.#known.delete(name)
    keys.then((found) => found ?? forget(), forget)
    return keys
  }

  #nameOf(password: string, { iterations, salt, storedKey }: ScramVerifier): string {
    return createHmac('sha256', this.#secret)
      .update(`${iterations}:${salt.toString('base64')}:${storedKey.toString('base64')}:`)
      .update(password)
      .digest('base64')
  }
}

interface Success {
  keys: ScramKeys
  access: EndpointAccess
}

function accountName(endpointId: string, user: string): string {
  return `${endpointId} ${user}`
}

function isOlder({ since }: { since: number }, ageMs: number): boolean {
  return performance.now() - since > ageMs
}

/** Puts in as the last, and forgets the first where there are too many. */
function putLast<T>(entries: Map<string, T>, name: string, value: T): void {
  entries.delete(name)
  entries.set(name, value)
  const [first] = entries.keys()
  if (first !== undefined && entries.size > maxEntries) entries.delete(first)
}
