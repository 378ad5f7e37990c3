/**
 * Who may use the console. A browser shows an API key, the password, or a link that `coppice console`
 * has printed, once; from then on it carries the token of a session in a cookie. What the store keeps
 * of keys, sessions and the password opens nothing. A session acts with the scope of its key and ends
 * with it; those of the password and of a link are the owner's.
 */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

import { AppError } from '../../lib/errors.ts'
import { KeyedLock } from '../../lib/keyed-lock.ts'
import { hashApiKey } from '../../lib/passwords.ts'
import { type ApiKeyRow, findApiKey } from '../store/api-keys.ts'
import {
  findConsolePassword,
  findConsoleSession,
  insertConsoleSession,
  removeConsoleSession,
  replaceConsolePassword,
} from '../store/console.ts'
import type { Store } from '../store/store.ts'
import { SignInAttempts } from './attempts.ts'

/** What somebody shows to sign in. */
export type Proof = { api_key: string } | { password: string } | { link: string }

export type KeyScope = Pick<ApiKeyRow, 'id' | 'kind' | 'project_id'>

const derive = promisify<string, Uint8Array, number, object, Buffer>(scrypt)
/** OWASP's recommendation for scrypt: 128 MiB and a tenth of a second for each guess. */
const scryptCost = { N: 2 ** 17, r: 8, p: 1, maxmem: 256 * 1024 * 1024 }
const hashBytes = 32
const passwordMinLength = 10
const passwordMaxLength = 256

export const sessionLifeSeconds = 14 * 86_400
/** Long enough to switch to the browser. */
const linkLifeMs = 5 * 60_000

/** No key has it: the owner, whose session needs none. */
const ownerKeyId = 0

export class ConsoleAccess {
  readonly #store: Store
  readonly #attempts = new SignInAttempts()
  /** One guess at a time, whoever asks: it is made to be expensive. */
  readonly #guesses = new KeyedLock()
  /** Hash of each link's secret and when it ends. They end with the daemon as well. */
  readonly #links = new Map<string, number>()

  constructor(store: Store) {
    this.#store = store
  }

  /** The token of a new session, or `not_authenticated`, or `too_many_requests`. */
  async signIn(proof: Proof, address: string): Promise<string> {
    this.#attempts.begin(address)
    const apiKeyId = await this.#check(proof)
    this.#attempts.succeeded(address)
    const token = randomBytes(32).toString('base64url')
    await insertConsoleSession(this.#store, {
      token_hash: hashApiKey(token),
      api_key_id: apiKeyId,
      by_password: 'password' in proof,
      expires_at: new Date(Date.now() + sessionLifeSeconds * 1000),
    })
    return token
  }

  async signOut(token: string): Promise<void> {
    await removeConsoleSession(this.#store, hashApiKey(token))
  }

  /** What a session's token reaches; undefined where the session is over. */
  async findScope(token: string): Promise<KeyScope | undefined> {
    const found = await findConsoleSession(this.#store, hashApiKey(token))
    return found && { ...found, id: found.id ?? ownerKeyId }
  }

  async isPasswordSet(): Promise<boolean> {
    return (await findConsolePassword(this.#store)) !== undefined
  }

  /** Ends the sessions that the one before has begun. */
  async setPassword(password: string): Promise<void> {
    if (password.length < passwordMinLength || password.length > passwordMaxLength) {
      throw new AppError(
        'invalid_request',
        `the password must have ${passwordMinLength} to ${passwordMaxLength} characters`,
      )
    }
    const salt = randomBytes(16)
    const hash = await derive(password, salt, hashBytes, scryptCost)
    await replaceConsolePassword(this.#store, { salt, hash })
  }

  /** A secret that signs the owner in, once, within five minutes. */
  createLink(): string {
    const now = Date.now()
    for (const [hash, endsAt] of this.#links) if (endsAt < now) this.#links.delete(hash)
    const secret = randomBytes(32).toString('base64url')
    this.#links.set(hashApiKey(secret).toString('hex'), now + linkLifeMs)
    return secret
  }

  /** The id of the key that was shown; null for the owner. */
  async #check(proof: Proof): Promise<number | null> {
    if ('api_key' in proof) {
      const key = await findApiKey(this.#store, hashApiKey(proof.api_key.trim()))
      if (key === undefined) throw refusal('the API key is not valid; it may have been revoked')
      return key.id
    }
    if ('link' in proof) {
      const hash = hashApiKey(proof.link).toString('hex')
      const endsAt = this.#links.get(hash) ?? 0
      this.#links.delete(hash)
      if (endsAt > Date.now()) return null
      throw refusal('this link has been used or is too old; `coppice console` makes another')
    }
    await this.#checkPassword(proof.password)
    return null
  }

  async #checkPassword(password: string): Promise<void> {
    const known = await findConsolePassword(this.#store)
    if (known === undefined) {
      throw refusal('no password is set; `coppice console password` sets one')
    }
    const hash = await this.#guesses.run('password', async () =>
      derive(password.slice(0, passwordMaxLength + 1), known.salt, hashBytes, scryptCost),
    )
    if (!timingSafeEqual(hash, known.hash)) throw refusal('the password is wrong')
  }
}

const refusal = (message: string): AppError => new AppError('not_authenticated', message)
