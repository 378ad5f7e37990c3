import { isIPv6 } from 'node:net'

import { KeyedLock } from '../lib/keyed-lock.ts'
import { Shares } from '../lib/shares.ts'
import { Turns } from '../lib/turns.ts'
import { ClientError, sqlstates } from './errors.ts'
import type { GatewayLimits } from './limits.ts'

interface Failures {
  count: number
  since: number
}

/** Addresses remembered; over it the one that failed first is forgotten. */
const maxAddresses = 10_000
/** Passwords that are checked at once: one less than the threads that Node.js does such work with, and its files. */
const maxChecks = 3

const checkShares = (): Shares =>
  new Shares({
    max: maxChecks,
    what: 'logins that may be checked at once',
    advice: 'try again later',
  })

/** Counts who is in and who has failed to get in; refuses by ClientError. */
export class Admission {
  readonly #limits: GatewayLimits
  readonly #sessions = new Map<string, number>()
  readonly #failures = new Map<string, Failures>()
  readonly #guesses = new KeyedLock()
  readonly #turns: Turns

  constructor(limits: GatewayLimits) {
    this.#limits = limits
    this.#turns = new Turns({ shares: checkShares(), waitMs: limits.handshakeTimeoutMs })
  }

  /** Refuses an address that has guessed too often of late. */
  checkAddress(address: string): void {
    const failures = this.#recentFailures(address)
    if (failures !== undefined && failures.count >= this.#limits.maxFailuresPerAddress) {
      throw new ClientError(sqlstates.tooManyConnections, 'Too many connections attempts')
    }
  }

  recordFailure(address: string): void {
    const failures = this.#recentFailures(address)
    if (failures !== undefined) {
      failures.count++
      return
    }
    const [oldest] = this.#failures.keys()
    if (oldest !== undefined && this.#failures.size >= maxAddresses) this.#failures.delete(oldest)
    this.#failures.set(network(address), { count: 1, since: performance.now() })
  }

  /**
   * Does the work that it takes here to check a password: one after another for an endpoint, so that whoever makes
   * it expensive makes its own endpoint wait, and not for an address that has guessed too often by then. A
   * check that answers undefined was a wrong guess, and is counted before others have their turn.
   */
  async guess<T>(
    endpointId: string,
    address: string,
    check: () => Promise<T | undefined>,
  ): Promise<T | undefined> {
    return this.#guesses.run(endpointId, async () =>
      this.#turns.run(null, async () => {
        this.checkAddress(address)
        const keys = await check()
        if (keys === undefined) this.recordFailure(address)
        return keys
      }),
    )
  }

  /** Counts a session of the endpoint until the answer is called. */
  enterEndpoint(endpointId: string): () => void {
    const count = this.#sessions.get(endpointId) ?? 0
    if (count >= this.#limits.maxConnectionsPerEndpoint) {
      throw new ClientError(
        sqlstates.tooManyConnections,
        'Too many connections to this endpoint. Please try again later.',
      )
    }
    this.#sessions.set(endpointId, count + 1)
    return () => this.#leaveEndpoint(endpointId)
  }

  #leaveEndpoint(endpointId: string): void {
    const count = this.#sessions.get(endpointId) ?? 0
    if (count > 1) this.#sessions.set(endpointId, count - 1)
    else this.#sessions.delete(endpointId)
  }

  #recentFailures(address: string): Failures | undefined {
    const key = network(address)
    const failures = this.#failures.get(key)
    if (failures === undefined) return undefined
    if (performance.now() - failures.since < this.#limits.failureWindowMs) return failures
    this.#failures.delete(key)
    return undefined
  }
}

/** One subscriber: an IPv4 address, or the /64 network that an IPv6 host has to itself (RFC 6177). */
function network(address: string): string {
  if (!isIPv6(address)) return address
  const [head = '', tail] = address.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail ? tail.split(':') : []
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length
  return [...before, ...Array<string>(Math.max(0, zeros)).fill('0'), ...after].slice(0, 4).join(':')
}
