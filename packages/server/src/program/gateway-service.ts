/** The gateway as the platform runs it: in processes of its own, or within the daemon. */
import { availableParallelism } from 'node:os'
import { join } from 'node:path'

import type { ControlPlane } from '../gateway/control-plane.ts'
import { createGateway } from '../gateway/gateway.ts'
import type { PoolAdmin } from '../gateway/pool/report.ts'
import { collectLeftBytes } from '../gateway/process/left-bytes.ts'
import { bindShared, closeShared, type SharedListener } from '../gateway/process/shared-listener.ts'
import { Supervisor, type WorkerReport } from '../gateway/process/supervisor.ts'
import type { TlsMaterial } from '../gateway/tls.ts'
import { AppError, describeError } from '../lib/errors.ts'
import type { Home } from '../lib/home.ts'
import type { Logger } from '../lib/log.ts'
import type { Service } from '../lib/service.ts'
import {
  createGatewayDirectory,
  gatewayDirectory,
  isNumberTaken,
  spawnWorker,
} from './gateway-processes.ts'
import { version } from './version.ts'

/** How often it is looked for what processes of a daemon that has died have sent. */
const collectEveryMs = 10_000

export interface GatewayServiceOptions {
  home: Home
  controlPlane: ControlPlane
  /** That it begins with. */
  tls: TlsMaterial
  /** As the gateway's. */
  secret: string
  domain: string
  /** Addresses without ports. */
  listen: readonly string[]
  ports: { direct: number; pooled: number; sql: number }
  /** How many processes; 0 for none but the daemon's own. */
  workers: number
  logLevel: string
  logsToStderr: boolean
  log: Logger
}

export interface GatewayService extends Service {
  /** Replaces each process by a new one; clients are taken in all the while. */
  restart(): Promise<void>
  /** Its processes; none where the daemon itself is the gateway. */
  workers(): Promise<WorkerReport[]>
  /** The pools of all its processes. */
  readonly poolAdmin: PoolAdmin
  /** Takes another certificate, for connections from now on. */
  reloadCertificates(material: TlsMaterial): Promise<void>
}

/** Half of the cores: PostgreSQL needs the others. */
export function defaultWorkers(cores = availableParallelism()): number {
  return Math.min(4, Math.max(1, Math.floor(cores / 2)))
}

export function createGatewayService(options: GatewayServiceOptions): GatewayService {
  return options.workers === 0 ? withinDaemon(options) : inProcesses(options)
}

function withinDaemon(options: GatewayServiceOptions): GatewayService {
  const { controlPlane, domain, listen, log, ports, secret, tls } = options
  const gateway = createGateway({
    controlPlane,
    tls,
    secret,
    domain,
    listen: listen.flatMap((host) => [
      { host, port: ports.direct, pooled: false },
      { host, port: ports.pooled, pooled: true },
    ]),
    listenSql: listen.map((host) => ({ host, port: ports.sql })),
    version,
    log,
  })
  return {
    poolAdmin: gateway.poolAdmin,
    start: async () => gateway.start(),
    stop: async () => gateway.stop(),
    restart: async () => {
      throw new AppError(
        'invalid_request',
        'the gateway runs within the daemon (COPPICE_GATEWAY_WORKERS=0): restart the platform instead',
      )
    },
    workers: async () => [],
    reloadCertificates: async (material) => gateway.reloadCertificates(material),
  }
}

function inProcesses(options: GatewayServiceOptions): GatewayService {
  const { home, log } = options
  const listeners: SharedListener[] = []
  const supervisor = new Supervisor({
    controlPlane: options.controlPlane,
    workers: options.workers,
    listeners,
    config: {
      directory: gatewayDirectory(home),
      tls: options.tls,
      secret: options.secret,
      domain: options.domain,
      limits: {},
      version,
      logLevel: options.logLevel,
      logsToStderr: options.logsToStderr,
    },
    logFile: (slot) => join(home.logs, `gateway-${slot}.log`),
    spawn: async (number) => spawnWorker(home, number),
    isTaken: async (number) => isNumberTaken(home, number),
    log,
  })
  const counting = new LeftBytesCount(options)
  return {
    poolAdmin: supervisor.poolAdmin(),
    start: async () => {
      await createGatewayDirectory(home)
      listeners.push(...bindAll(options))
      await supervisor.start()
      counting.start()
    },
    stop: async () => {
      await supervisor.stop()
      await counting.stop()
      for (const listener of listeners.splice(0)) closeShared(listener)
    },
    restart: async () => supervisor.restart(),
    workers: async () => supervisor.workers(),
    reloadCertificates: async (material) => supervisor.reloadCertificates(material),
  }
}

/** Counts, every so often, what processes of a daemon that has died still send. */
class LeftBytesCount {
  readonly #options: Pick<GatewayServiceOptions, 'home' | 'controlPlane' | 'log'>
  #timer: NodeJS.Timeout | undefined
  #collecting = Promise.resolve()

  constructor(options: Pick<GatewayServiceOptions, 'home' | 'controlPlane' | 'log'>) {
    this.#options = options
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#collecting = this.#collecting.then(async () => this.#collect())
    }, collectEveryMs)
    this.#timer.unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#collecting
    await this.#collect()
  }

  async #collect(): Promise<void> {
    const { home, controlPlane, log } = this.#options
    const count = (endpointId: string, bytes: number) => controlPlane.countSent(endpointId, bytes)
    await collectLeftBytes(gatewayDirectory(home), count).catch((error: unknown) => {
      log.warn({ error: describeError(error) }, 'bytes that were sent are not counted')
    })
  }
}

function bindAll({ listen, ports, log }: GatewayServiceOptions): SharedListener[] {
  return listen.flatMap((host) =>
    (['direct', 'pooled', 'https'] as const).flatMap((role) => {
      const listener = bindShared(role, host, role === 'https' ? ports.sql : ports[role])
      if (listener === undefined) log.info({ host }, 'no IPv6 here: not listening on it')
      return listener ?? []
    }),
  )
}
