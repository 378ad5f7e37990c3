import { errorCode } from '../../lib/errors.ts'
/**
 * The server connections of one database and role of an endpoint, and the clients that wait for one.
 * Who waited longest is served first.
 */
import type { ScramKeys } from '../../lib/scram.ts'
import { steadyNow } from '../../lib/steady-clock.ts'
import { type ComputeConnection, connectCompute } from '../connect-compute.ts'
import type { ComputeAddress, SessionActivity, WakingClient } from '../control-plane.ts'
import { ClientError, ComputeRefusal, Disconnected, sqlstates } from '../errors.ts'
import { HiddenEffects, hiddenEffectsQuery } from './hidden-effects.ts'
import type { PoolKey } from './lease.ts'
import type { PoolTotals } from './report.ts'
import { ServerConnection } from './server-connection.ts'
import { hintsOf, mergeHints, type SessionHints, unread } from './session-hints.ts'
import { resetQuery } from './session-reset.ts'
import { transition } from './session-variables.ts'
import type { PoolSettings } from './settings.ts'
import { type HintSource, StatementTable } from './statements.ts'
import { noVariables, type Variables, variablesOf } from './variables.ts'

/** What a client wants to find in a session. */
export interface SessionWanted {
  variables: Variables
  /** It has no session of its own, and is to find nobody else's. */
  isRequest: boolean
}

/** A client that wants a server connection. */
export interface Waiter {
  readonly keys: ScramKeys
  /** Of the variables it wants; a server that has them already is preferred. */
  readonly signature: string
  /** Who wants it, for the compute that it may have to wake. */
  readonly waking: WakingClient
  /** When it began to wait, by `performance.now()`. */
  waitingSince: number
  take(server: ServerConnection): void
  fail(error: unknown): void
}

/** What a pool needs of its endpoint: the compute, the budget shared by all of the endpoint's pools. */
export interface PoolHost {
  settings(): PoolSettings
  /** Application names of clients that neither wake the compute nor keep it awake. */
  quietApplications(): readonly string[]
  wake(client: WakingClient | undefined): Promise<ComputeAddress>
  /** Whether one more connection to the compute may be opened; makes room where an idle one can go. */
  reserve(): boolean
  /** A reservation has ended with its connection. */
  free(): void
  nextId(): number
  /** Tells the platform of a connection to the compute; of one for a quiet client, quietly. */
  openActivity(quiet: boolean): SessionActivity
  /** Bytes are on their way to a client. */
  countSent(bytes: number): void
}

/** Of a text that is longer only the beginning is looked at, and all else suspected. */
export const maxTextBytes = 256 * 1024
/** Opened at once for one pool; the first alone, for it may have to wake the compute. */
const maxOpening = 4
/** How often functions are looked through for effects on the session, beside when one is made. */
const effectsMaxAgeMs = 300_000

export class Pool {
  readonly key: PoolKey
  readonly statements = new StatementTable()
  readonly totals: PoolTotals = noTotals()
  /** Reported parameters by signature of variables, as a client is greeted with them. */
  readonly greetings = new Map<string, ReadonlyMap<string, string>>()
  isPaused = false

  readonly #host: PoolHost
  readonly #servers = new Set<ServerConnection>()
  /** Free ones, last used last. */
  readonly #idle: ServerConnection[] = []
  readonly #waiting = new Set<Waiter>()
  readonly #abort = new AbortController()
  #opening = 0
  /** Connections on which something of ours runs before they are free again. */
  #returning = 0
  #effects = HiddenEffects.none
  #effectsVersion = 0
  #effectsReadAtMs = -Infinity
  #isReadingEffects = false
  /** Settles those who wait for a pause to be complete. */
  #quiet: (() => void)[] = []

  constructor(key: PoolKey, host: PoolHost) {
    this.key = key
    this.#host = host
  }

  get settings(): PoolSettings {
    return this.#host.settings()
  }

  get servers(): ReadonlySet<ServerConnection> {
    return this.#servers
  }

  get waiting(): ReadonlySet<Waiter> {
    return this.#waiting
  }

  get opening(): number {
    return this.#opening
  }

  get isEmpty(): boolean {
    return this.#servers.size === 0 && this.#opening === 0 && this.#waiting.size === 0
  }

  isIdle(server: ServerConnection): boolean {
    return this.#idle.includes(server)
  }

  /** Whether it neither wakes the compute nor keeps it awake: by its own word, or by the endpoint's list. */
  isQuiet({ quiet, applicationName }: WakingClient): boolean {
    return quiet || this.#host.quietApplications().includes(applicationName)
  }

  countSent(bytes: number): void {
    this.#host.countSent(bytes)
  }

  /** What a text may do to the session, also through functions of the database that it calls. */
  hintsOf(text: string): SessionHints | undefined {
    if (text.length > maxTextBytes) return this.hintsOfBeginning(text.slice(0, maxTextBytes))
    return mergeHints(hintsOf(text), this.#effects.hintsOf(text))
  }

  /** The same for a text that goes on, one may not know how. */
  hintsOfBeginning(text: string): SessionHints {
    return mergeHints(this.hintsOf(text), unread) ?? unread
  }

  /** The same for statements that are kept. */
  get hintSource(): HintSource {
    return this
  }

  /** Counts how often functions were looked through. */
  get version(): number {
    return this.#effectsVersion
  }

  /** Functions have been made or changed. */
  forgetEffects(): void {
    this.#effectsReadAtMs = -Infinity
  }

  /** Gives the waiter a server connection, now or in its turn. */
  acquire(waiter: Waiter): void {
    waiter.waitingSince = performance.now()
    const server = this.isPaused || this.#waiting.size > 0 ? undefined : this.#takeIdle(waiter)
    if (server) return this.#lend(server, waiter)
    this.#waiting.add(waiter)
    this.openMore()
  }

  /** The waiter wants none any more. */
  leave(waiter: Waiter): void {
    this.#waiting.delete(waiter)
  }

  /** Takes back a connection that is clean: no transaction, none of the client's session but variables. */
  release(server: ServerConnection): void {
    server.user = undefined
    // Its last client may have been slow to read.
    server.resume()
    server.lastUsedAtMs = steadyNow()
    if (server.isClosed) return this.#settleQuiet()
    if (server.isCancelling) return server.onceCancelled(() => this.release(server))
    if (this.#isWornOut(server)) return this.discard(server)
    if (this.#effectsAreOld()) return this.#readEffects(server)
    this.#offer(server)
  }

  /** Whether the session of one that is lent is as `makeAlike` would leave it. */
  isAlike(server: ServerConnection, client: SessionWanted): boolean {
    const isEmpty = !client.isRequest || !server.hasServedSession
    return isEmpty && server.variables.signature === client.variables.signature
  }

  /** Gives the session its next client's variables; a request's has nothing else of those before. */
  async makeAlike(server: ServerConnection, client: SessionWanted): Promise<void> {
    if (client.isRequest && server.hasServedSession) await this.#wipe(server)
    const sql = transition(server.variables.values, client.variables.values)
    if (sql !== undefined) await server.run(sql)
    server.variables = client.variables
  }

  /** Takes back a connection whatever the client left in it. */
  recycle(server: ServerConnection): void {
    this.#emptyFirst(server, async () => this.#clean(server))
  }

  /**
   * Takes back the connection of a request, which has no session to go on with: whatever it left is gone,
   * also what no text has told of. The variables that it came with stay, for the next is likely to want them.
   */
  reset(server: ServerConnection): void {
    this.#emptyFirst(server, async () => this.#wipe(server))
  }

  /** Closes a connection for good. */
  discard(server: ServerConnection): void {
    server.user = undefined
    server.isRetiring = true
    server.close()
  }

  /** Closes what is idle for too long or too old, opens what is missing, ends waits that are over. */
  maintain(now: number): void {
    const { server_idle_timeout, min_pool_size, query_wait_timeout } = this.settings
    const nowMs = steadyNow()
    for (const server of this.#idle.slice()) {
      const isUnused =
        server_idle_timeout > 0 && nowMs - server.lastUsedAtMs > server_idle_timeout * 1000
      const isSpare = this.#servers.size > min_pool_size
      if ((isUnused && isSpare) || this.#isWornOut(server)) this.#drop(server)
    }
    if (query_wait_timeout > 0) {
      for (const waiter of this.#waiting) {
        if (now - waiter.waitingSince < query_wait_timeout * 1000) break
        this.#waiting.delete(waiter)
        waiter.fail(new ClientError(sqlstates.protocolViolation, 'query_wait_timeout'))
      }
    }
    this.openMore()
  }

  /** Closes the connection that has been idle longest; answers whether there was one. */
  evict(): boolean {
    const server = this.#idle[0]
    if (server === undefined || this.#waiting.size > 0) return false
    this.#drop(server)
    return true
  }

  get oldestIdleMs(): number {
    return this.#idle[0]?.lastUsedAtMs ?? Infinity
  }

  /** Every connection is closed as soon as nobody has it. */
  retire(): void {
    for (const server of this.#servers) server.isRetiring = true
    for (const server of this.#idle.slice()) this.#drop(server)
    this.greetings.clear()
    this.statements.forget()
  }

  /** Resolves once no client has a connection; none gets one before `resume`. */
  async pause(): Promise<void> {
    this.isPaused = true
    await new Promise<void>((resolve) => {
      this.#quiet.push(resolve)
      this.#settleQuiet()
    })
  }

  resume(): void {
    this.isPaused = false
    for (const server of this.#idle.splice(0)) this.#offer(server)
    this.openMore()
  }

  /** Ends all connections and waits, now. */
  destroy(error: ClientError): void {
    this.#abort.abort(error)
    for (const waiter of this.#waiting) waiter.fail(error)
    this.#waiting.clear()
    for (const server of this.#servers) server.destroy()
  }

  #takeIdle(waiter: Waiter): ServerConnection | undefined {
    const alike = this.#idle.findLastIndex(
      (server) => server.variables.signature === waiter.signature,
    )
    const at = alike === -1 ? this.#idle.length - 1 : alike
    const [server] = at < 0 ? [] : this.#idle.splice(at, 1)
    return server === undefined || !server.isClosed ? server : this.#takeIdle(waiter)
  }

  #lend(server: ServerConnection, waiter: Waiter): void {
    this.totals.assignments++
    this.totals.waitTimeUs += Math.round((performance.now() - waiter.waitingSince) * 1000)
    const { waking } = waiter
    server.activity.touch(
      this.isQuiet(waking) && !waking.quiet ? { ...waking, quiet: true } : waking,
    )
    waiter.take(server)
  }

  #offer(server: ServerConnection): void {
    const [waiter] = this.isPaused ? [] : this.#waiting
    if (waiter === undefined) {
      this.#idle.push(server)
      return this.#settleQuiet()
    }
    this.#waiting.delete(waiter)
    this.#lend(server, waiter)
  }

  /** Opens what waiting clients and the minimum call for, as far as the limits go. */
  openMore(): void {
    if (this.isPaused || this.#abort.signal.aborted) return
    const { default_pool_size, min_pool_size } = this.settings
    const isKnownAwake = this.#servers.size > 0
    const wanted = isKnownAwake
      ? Math.max(this.#waiting.size - this.#returning, min_pool_size - this.#servers.size)
      : Math.min(this.#waiting.size, 1)
    while (
      this.#opening < Math.min(wanted, isKnownAwake ? maxOpening : 1) &&
      this.#servers.size + this.#opening < default_pool_size &&
      this.#host.reserve()
    ) {
      void this.#openOne()
    }
  }

  /** Its client may be served by another in the meantime; the connection then stays. */
  async #openOne(): Promise<void> {
    this.#opening++
    const [waiter] = this.#waiting
    const keys = waiter?.keys ?? this.#lastKeys
    try {
      if (keys === undefined) throw new Disconnected('the client')
      const client = waiter && { ...waiter.waking, quiet: this.isQuiet(waiter.waking) }
      this.#add(await this.#connect(keys, client), client?.quiet === true)
    } catch (error) {
      this.#host.free()
      this.#opening--
      this.#failWaiting(waiter, error)
      return
    }
    this.#opening--
    this.openMore()
  }

  #lastKeys: ScramKeys | undefined

  async #connect(keys: ScramKeys, client: WakingClient | undefined): Promise<ComputeConnection> {
    const { signal } = this.#abort
    const wake = async () => this.#host.wake(client)
    const parameters = new Map([
      ['user', this.key.role],
      ['database', this.key.database],
    ])
    const compute = await connectCompute(
      { address: await wake(), wake, parameters, keys, intoOneBuffer: true },
      signal,
    )
    this.#lastKeys = keys
    this.totals.serverLogins++
    return compute
  }

  #add(compute: ComputeConnection, quiet: boolean): void {
    const activity = this.#host.openActivity(quiet)
    if (compute.cancelKey) activity.setBackend(compute.cancelKey.processId)
    const server = new ServerConnection(this.key, this.#host.nextId(), compute, activity)
    this.#servers.add(server)
    server.open(() => this.#forget(server))
    if (server.isClosed) return
    if (this.#effectsAreOld()) this.#readEffects(server)
    else this.#offer(server)
  }

  #forget(server: ServerConnection): void {
    this.#servers.delete(server)
    this.#removeIdle(server)
    this.#host.free()
    this.#settleQuiet()
    this.openMore()
  }

  /** Where others are open or being opened, who waits can go on waiting for these. */
  #failWaiting(waiter: Waiter | undefined, error: unknown): void {
    if (waiter && isAboutClient(error)) {
      if (this.#waiting.delete(waiter)) waiter.fail(error)
    } else if (this.#servers.size === 0) {
      for (const one of this.#waiting) {
        this.#waiting.delete(one)
        one.fail(error)
      }
    }
    if (this.#servers.size === 0) this.openMore()
  }

  #isWornOut(server: ServerConnection): boolean {
    const lifetimeMs = this.settings.server_lifetime * 1000
    return server.isRetiring || steadyNow() - server.connectedAtMs > lifetimeMs
  }

  #emptyFirst(server: ServerConnection, empty: () => Promise<void>): void {
    server.user = undefined
    server.resume()
    if (server.isClosed) return this.#settleQuiet()
    // What still runs is nobody's: it ends with its connection.
    if (!server.isSettled) {
      server.cancel()
      return this.discard(server)
    }
    this.#returning++
    empty()
      .finally(() => this.#returning--)
      .then(
        () => this.release(server),
        () => this.discard(server),
      )
  }

  /** But for its variables without a dot. */
  async #wipe(server: ServerConnection): Promise<void> {
    const kept = withoutOwnNames(server.variables)
    await server.run(resetQuery(kept.values))
    server.beginAnew(kept)
  }

  async #clean(server: ServerConnection): Promise<void> {
    if (server.status !== 'I') await server.run('ROLLBACK')
    await server.run('DISCARD ALL')
    server.beginAnew(noVariables)
  }

  #effectsAreOld(): boolean {
    return !this.#isReadingEffects && performance.now() - this.#effectsReadAtMs > effectsMaxAgeMs
  }

  /** What functions do is read anew, before another client can call one. */
  #readEffects(server: ServerConnection): void {
    this.#isReadingEffects = true
    this.#returning++
    this.#effectsReadAtMs = performance.now()
    server
      .run(hiddenEffectsQuery)
      .then(
        (json) => {
          this.#effects = HiddenEffects.parse(json ?? '')
          this.#effectsVersion++
        },
        // What was known stays until the next look; a connection that has gone is found closed.
        () => undefined,
      )
      .finally(() => {
        this.#isReadingEffects = false
        this.#returning--
        this.release(server)
      })
  }

  #drop(server: ServerConnection): void {
    this.#removeIdle(server)
    this.discard(server)
  }

  #removeIdle(server: ServerConnection): void {
    const at = this.#idle.indexOf(server)
    if (at !== -1) this.#idle.splice(at, 1)
  }

  #settleQuiet(): void {
    if (this.#quiet.length === 0 || this.#idle.length < this.#servers.size) return
    for (const settle of this.#quiet.splice(0)) settle()
  }
}

/** Whether only this client is concerned: its password, its role or its database, or that it may not wake. */
function isAboutClient(error: unknown): boolean {
  if (errorCode(error) === 'wake_refused') return true
  return error instanceof ComputeRefusal && /^(28|3D)/.test(error.sqlstate)
}

/** pg_stat_activity shows their values to all of the role, in the text of the Query that has made them last. */
function withoutOwnNames({ values }: Variables): Variables {
  return variablesOf(new Map([...values].filter(([name]) => !name.includes('.'))))
}

function noTotals(): PoolTotals {
  return {
    assignments: 0,
    transactions: 0,
    queries: 0,
    bytesReceived: 0,
    bytesSent: 0,
    transactionTimeUs: 0,
    queryTimeUs: 0,
    waitTimeUs: 0,
    parsesByClients: 0,
    parsesOnServers: 0,
    binds: 0,
    serverLogins: 0,
  }
}
