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
  requireAffordable,
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
  keys: ScramKeys
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
    if (isTooLong) admission.recordFailure(login.clientAddress)
    const success = isTooLong
      ? undefined
      : ((await this.#logInAgain(login)) ?? (await this.#logInAnew(login, signal)))
    if (success === undefined) {
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
    const keys = this.#recall(this.#nameOf(password, account.verifier))
    if (keys === undefined) return undefined
    // An error is met again by who asks anew, and told.
    const access = await this.#context.controlPlane.findEndpoint(endpointId).catch(() => undefined)
    return access && { keys, access }
  }

  /** Undefined for a wrong password, which has been counted. */
  async #logInAnew(login: PasswordLogin, signal: AbortSignal): Promise<Success | undefined> {
    const { endpointId, user } = login
    const since = performance.now()
    const { verifier, access } = await abortable(lookUp(endpointId, user, this.#context), signal)
    const keys = await abortable(this.#keysOf(login, verifier, signal), signal)
    if (keys === undefined || access === undefined) return undefined
    putLast(this.#accounts, accountName(endpointId, user), { verifier, since })
    return { keys, access }
  }

  async #keysOf(
    { endpointId, user, password, clientAddress }: PasswordLogin,
    verifier: ScramVerifier,
    signal: AbortSignal,
  ): Promise<ScramKeys | undefined> {
    const name = this.#nameOf(password, verifier)
    const known = this.#recall(name)
    if (known !== undefined) return known
    requireAffordable(verifier, user)
    return this.#context.admission.guess(endpointId, clientAddress, async () => {
      signal.throwIfAborted()
      // One that came at the same time may have had its turn.
      const keys = this.#recall(name) ?? (await keysOfPassword(password, verifier))
      // Only what was good is remembered: guesses would push it out.
      if (keys && !this.#known.has(name)) {
        putLast(this.#known, name, { keys, since: performance.now() })
      }
      return keys
    })
  }

  #recall(name: string): ScramKeys | undefined {
    const known = this.#known.get(name)
    if (known === undefined) return undefined
    this.#known.delete(name)
    if (isOlder(known, maxKnownMs)) return undefined
    putLast(this.#known, name, known)
    return known.keys
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
