/**
 * All pools of one process: by endpoint, database and role. Endpoints share a budget of connections to
 * their compute, and every pool is looked after once a second.
 */
import type { Logger } from '../../lib/log.ts'
import { steadyDate, steadyNow } from '../../lib/steady-clock.ts'
import { abortable } from '../abortable.ts'
import type { CancelKeys } from '../cancel.ts'
import type { ControlPlane, EndpointAccess } from '../control-plane.ts'
import { ClientError, sqlstates } from '../errors.ts'
import type { Lease, Lender, PoolClientDetails, PoolKey } from './lease.ts'
import { leaseFrom } from './pool-lease.ts'
import { Pool } from './pool.ts'
import { type PooledClient, PooledSession } from './pooled-session.ts'
import type {
  ClientReport,
  GatewayReport,
  PoolAdmin,
  PoolFilter,
  PoolReport,
  ServerReport,
} from './report.ts'
import type { ServerConnection } from './server-connection.ts'
import { defaultPoolSettings, type PoolSettings, readPoolSettings } from './settings.ts'

export interface PoolsContext {
  controlPlane: ControlPlane
  log: Logger
}

const maintainEveryMs = 1_000
/** Settings are read again with the next login, and for those who stay. */
const settingsMaxAgeMs = 5_000
/** A pool that nobody has used for so long is forgotten, with its counts. */
const emptyPoolMaxAgeMs = 3_600_000

interface Endpoint {
  settings: PoolSettings
  quietApplications: readonly string[]
  settingsReadAtMs: number
  connections: number
}

interface PooledPool {
  pool: Pool
  endpoint: Endpoint
  lastUsedAtMs: number
}

export class Pools implements Lender, PoolAdmin {
  readonly #context: PoolsContext
  readonly #pools = new Map<string, PooledPool>()
  readonly #endpoints = new Map<string, Endpoint>()
  readonly #sessions = new Set<PooledSession>()
  readonly #running = new Set<Promise<void>>()
  readonly #timer: NodeJS.Timeout
  #lastServerId = 0
  /** For pools that are made later. */
  #paused: PoolFilter[] = []

  constructor(context: PoolsContext) {
    this.#context = context
    this.#timer = setInterval(() => this.#maintain(), maintainEveryMs)
    this.#timer.unref()
  }

  /**
   * Serves a client that has logged in until it leaves. Rejects with ClientError where the endpoint has
   * as many as it may.
   */
  async serve(client: PooledClient, cancelKeys: CancelKeys): Promise<void> {
    const { pool } = await this.#poolOf(client)
    this.#requirePlace(client.endpointId, pool.settings)
    const session = new PooledSession(client, pool)
    const { key, release } = cancelKeys.issue(() => session.cancel())
    this.#sessions.add(session)
    const life = session.run(key).finally(() => {
      release()
      this.#sessions.delete(session)
      this.#running.delete(life)
    })
    this.#running.add(life)
    await life
  }

  async lease(client: PoolClientDetails, signal: AbortSignal): Promise<Lease> {
    const { pool } = await abortable(this.#poolOf(client), signal)
    return leaseFrom(pool, client, signal)
  }

  async reload({ endpointId: only }: PoolFilter): Promise<void> {
    const chosen = [...this.#endpoints].filter(([id]) => only === undefined || id === only)
    await Promise.all(chosen.map(async ([id, endpoint]) => this.#readSettings(id, endpoint)))
  }

  /** Ends each client's session at its next idle moment. */
  drain(): void {
    for (const session of this.#sessions) session.drain()
  }

  /** Ends all clients' sessions now, telling them. */
  shutDown(): void {
    for (const session of this.#sessions) session.shutDown()
  }

  /** Ends everything at once. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    const error = new ClientError(
      sqlstates.adminShutdown,
      'terminating connection due to administrator command',
    )
    for (const { pool } of this.#pools.values()) pool.destroy(error)
    for (const session of this.#sessions) session.destroy()
    await Promise.all(this.#running)
  }

  async report(filter: PoolFilter): Promise<GatewayReport> {
    const chosen = this.#chosen(filter)
    const sessions = [...this.#sessions].filter((one) =>
      chosen.some(({ pool }) => pool === one.pool),
    )
    const clientOf = new Map(sessions.map((one) => [one.server, one.id]))
    return {
      pools: chosen.map(({ pool }) => reportPool(pool, sessions)),
      clients: sessions.map(reportClient),
      servers: chosen.flatMap(({ pool }) =>
        [...pool.servers].map((server) => reportServer(pool, server, clientOf.get(server))),
      ),
    }
  }

  async pause(filter: PoolFilter): Promise<void> {
    this.#paused.push(filter)
    await Promise.all(this.#chosen(filter).map(async ({ pool }) => pool.pause()))
  }

  async resume(filter: PoolFilter): Promise<void> {
    this.#paused = this.#paused.filter((one) => !covers(filter, one))
    for (const { pool } of this.#chosen(filter)) pool.resume()
  }

  async reconnect(filter: PoolFilter): Promise<void> {
    for (const { pool } of this.#chosen(filter)) pool.retire()
  }

  async kill(filter: PoolFilter): Promise<void> {
    const chosen = this.#chosen(filter)
    this.#paused.push(filter)
    for (const { pool } of chosen) pool.isPaused = true
    for (const session of this.#sessions) {
      if (chosen.some(({ pool }) => pool === session.pool)) session.shutDown()
    }
    for (const { pool } of chosen) pool.retire()
  }

  async killClient(id: number, filter: PoolFilter): Promise<boolean> {
    const chosen = this.#chosen(filter)
    const session = [...this.#sessions].find(
      (one) => one.id === id && chosen.some(({ pool }) => pool === one.pool),
    )
    session?.shutDown()
    return session !== undefined
  }

  #requirePlace(endpointId: string, settings: PoolSettings): void {
    let count = 0
    for (const { pool } of this.#sessions) if (pool.key.endpointId === endpointId) count++
    if (count < settings.max_client_conn) return
    throw new ClientError(
      sqlstates.tooManyConnections,
      'no more connections allowed (max_client_conn)',
    )
  }

  async #poolOf(client: PoolClientDetails): Promise<PooledPool> {
    const { endpointId, database, role } = client
    const endpoint = await this.#endpointOf(endpointId)
    const name = JSON.stringify([endpointId, database, role])
    let found = this.#pools.get(name)
    if (found === undefined) {
      const key = { endpointId, database, role }
      found = { pool: this.#makePool(key, endpoint), endpoint, lastUsedAtMs: steadyNow() }
      this.#pools.set(name, found)
    }
    found.lastUsedAtMs = steadyNow()
    return found
  }

  #makePool(key: PoolKey, endpoint: Endpoint): Pool {
    const { controlPlane } = this.#context
    const pool = new Pool(key, {
      settings: () => endpoint.settings,
      quietApplications: () => endpoint.quietApplications,
      wake: async (client) => controlPlane.wake(key.endpointId, client),
      reserve: () => this.#reserve(endpoint),
      free: () => this.#free(endpoint),
      nextId: () => ++this.#lastServerId,
      countSent: (bytes) => controlPlane.countSent(key.endpointId, bytes),
      openActivity: (quiet) =>
        controlPlane.openSession({
          endpointId: key.endpointId,
          role: key.role,
          database: key.database,
          applicationName: 'pooler',
          clientAddress: '',
          pooled: true,
          quiet,
        }),
    })
    pool.isPaused = this.#paused.some((filter) => matches(filter, key))
    return pool
  }

  /** Where the budget is spent, the connection that is idle longest makes room for one that is wanted. */
  #reserve(endpoint: Endpoint): boolean {
    if (endpoint.connections >= endpoint.settings.max_db_connections) {
      const [oldest] = this.#poolsOf(endpoint).toSorted(
        (a, b) => a.pool.oldestIdleMs - b.pool.oldestIdleMs,
      )
      // It frees its place once it is closed, and whoever waits is looked at then.
      oldest?.pool.evict()
      return false
    }
    endpoint.connections++
    return true
  }

  #free(endpoint: Endpoint): void {
    endpoint.connections--
    for (const { pool } of this.#poolsOf(endpoint)) pool.openMore()
  }

  #poolsOf(endpoint: Endpoint): PooledPool[] {
    return [...this.#pools.values()].filter((one) => one.endpoint === endpoint)
  }

  async #endpointOf(endpointId: string): Promise<Endpoint> {
    let endpoint = this.#endpoints.get(endpointId)
    if (endpoint === undefined) {
      endpoint = {
        settings: defaultPoolSettings,
        quietApplications: [],
        settingsReadAtMs: -Infinity,
        connections: 0,
      }
      this.#endpoints.set(endpointId, endpoint)
    }
    if (performance.now() - endpoint.settingsReadAtMs > settingsMaxAgeMs) {
      await this.#readSettings(endpointId, endpoint)
    }
    return endpoint
  }

  async #readSettings(endpointId: string, endpoint: Endpoint): Promise<void> {
    endpoint.settingsReadAtMs = performance.now()
    try {
      const access = await this.#context.controlPlane.findEndpoint(endpointId)
      if (access === undefined) return
      endpoint.settings = settingsOf(access)
      endpoint.quietApplications = access.quietApplications
    } catch (error) {
      this.#context.log.warn({ endpoint_id: endpointId, error }, 'pool settings not read')
    }
  }

  #maintain(): void {
    const now = performance.now()
    for (const [name, { pool, lastUsedAtMs }] of this.#pools) {
      pool.maintain(now)
      const isOld = steadyNow() - lastUsedAtMs > emptyPoolMaxAgeMs
      if (isOld && pool.isEmpty && !this.#hasSessions(pool)) this.#pools.delete(name)
    }
    for (const session of this.#sessions) session.maintain()
    for (const [endpointId, endpoint] of this.#endpoints) {
      const pools = this.#poolsOf(endpoint)
      if (pools.length === 0) this.#endpoints.delete(endpointId)
      else if (now - endpoint.settingsReadAtMs > settingsMaxAgeMs) {
        void this.#readSettings(endpointId, endpoint)
      }
    }
  }

  #hasSessions(pool: Pool): boolean {
    for (const session of this.#sessions) if (session.pool === pool) return true
    return false
  }

  #chosen(filter: PoolFilter): PooledPool[] {
    return [...this.#pools.values()].filter(({ pool }) => matches(filter, pool.key))
  }
}

function matches({ endpointId, database }: PoolFilter, key: PoolKey): boolean {
  return (
    (endpointId === undefined || key.endpointId === endpointId) &&
    (database === undefined || key.database === database)
  )
}

/** Whether whatever the other filter means, this one means too. */
function covers(filter: PoolFilter, other: PoolFilter): boolean {
  return (
    (filter.endpointId === undefined || filter.endpointId === other.endpointId) &&
    (filter.database === undefined || filter.database === other.database)
  )
}

/** Settings that a later version wrote, or a hand, are no reason to refuse clients. */
function settingsOf(access: EndpointAccess): PoolSettings {
  try {
    return readPoolSettings(access.poolerSettings)
  } catch (error) {
    if (error instanceof RangeError) return defaultPoolSettings
    throw error
  }
}

function reportPool(pool: Pool, sessions: readonly PooledSession[]): PoolReport {
  const own = sessions.filter((session) => session.pool === pool)
  const servers = [...pool.servers]
  const idle = servers.filter((server) => pool.isIdle(server)).length
  const [first] = pool.waiting
  return {
    ...pool.key,
    mode: pool.settings.pool_mode,
    settings: pool.settings,
    isPaused: pool.isPaused,
    clients: {
      active: own.filter((one) => one.server !== undefined).length,
      waiting: pool.waiting.size,
      idle: own.filter((one) => one.server === undefined && !one.isWaiting).length,
      pinned: own.filter((one) => one.pins.length > 0).length,
      cancelling: 0,
    },
    servers: {
      active: servers.length - idle,
      idle,
      used: 0,
      opening: pool.opening,
      cancelling: servers.filter((server) => server.isCancelling).length,
    },
    longestWaitUs: first ? Math.round((performance.now() - first.waitingSince) * 1000) : 0,
    totals: { ...pool.totals },
  }
}

function reportClient(session: PooledSession): ClientReport {
  const { details } = session
  return {
    ...session.pool.key,
    id: session.id,
    state: session.server ? 'active' : session.isWaiting ? 'waiting' : 'idle',
    via: details.via,
    applicationName: session.applicationName,
    address: details.clientAddress,
    port: details.clientPort,
    connectedAtMs: steadyDate(session.connectedAtMs).getTime(),
    lastRequestAtMs: steadyDate(session.lastRequestAtMs).getTime(),
    waitUs: session.isWaiting ? Math.round((performance.now() - session.waitingSince) * 1000) : 0,
    serverId: session.server?.id,
    preparedStatements: session.preparedStatements,
    pinnedBecause: [...session.pins],
  }
}

function reportServer(
  pool: Pool,
  server: ServerConnection,
  clientId: number | undefined,
): ServerReport {
  return {
    ...pool.key,
    id: server.id,
    state: pool.isIdle(server) ? 'idle' : 'active',
    applicationName: server.variables.values.get('application_name') ?? '',
    connectedAtMs: steadyDate(server.connectedAtMs).getTime(),
    lastRequestAtMs: steadyDate(server.lastUsedAtMs).getTime(),
    remotePid: server.remotePid,
    clientId,
    preparedStatements: server.preparedStatements,
    isRetiring: server.isRetiring,
  }
}
