/**
 * A gateway process from the inside: what it does when the daemon asks, and when there is no daemon any
 * more. Knows its process only as a channel and an exit, so that tests need none.
 */
import { describeError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { createGateway, type Gateway } from '../gateway.ts'
import type { HttpsAddress } from '../http/https-server.ts'
import type { ListenAddress } from '../listener.ts'
import type { TlsMaterial } from '../tls.ts'
import type { Channel } from './channel.ts'
import { leaveBytes } from './left-bytes.ts'
import type {
  DaemonProcedures,
  ListenerMessage,
  WorkerConfig,
  WorkerProcedures,
} from './protocol.ts'
import { platformRestarting, RemoteControlPlane } from './remote-control-plane.ts'
import { Rpc } from './rpc.ts'
import { Siblings } from './siblings.ts'

/** How often a process without a daemon notes what it has sent: what is lost where it is killed. */
const leaveEveryMs = 60_000

export interface WorkerHost {
  createLog(config: WorkerConfig): Logger
  /** Called once, when nothing is left to do. */
  exit(): void
}

export class Worker {
  readonly #host: WorkerHost
  readonly #listen: ListenAddress[] = []
  readonly #listenSql: HttpsAddress[] = []
  readonly #daemon: Rpc<DaemonProcedures, WorkerProcedures>
  #gateway: Gateway | undefined
  #siblings: Siblings | undefined
  #log: Logger | undefined
  #latestTls: TlsMaterial | undefined
  #leaveBytes = async (): Promise<void> => undefined
  #isStarted = false
  #isEnding = false

  constructor(channel: Channel, host: WorkerHost) {
    this.#host = host
    channel.onMessage((message, handle) => this.#noteListener(message, handle))
    this.#daemon = new Rpc<DaemonProcedures, WorkerProcedures>(channel, {
      ours: this.#procedures(),
      closedError: platformRestarting,
    })
    channel.onClose(() => this.#onDaemonGone())
  }

  /** Ends all sessions, busy ones after a grace, and exits. */
  shutDown(): void {
    this.#end(async (gateway) => gateway.stop())
  }

  /** Undefined until the daemon has asked to start. */
  get gateway(): Gateway | undefined {
    return this.#gateway
  }

  #procedures(): WorkerProcedures {
    return {
      start: async (config) => this.#start(config),
      setSlots: (slots) => this.#siblings?.setSlots(slots),
      reloadCertificates: (material) => this.#reloadCertificates(material),
      status: () => ({
        sessions: this.#gateway?.sessionCount ?? 0,
        memoryBytes: process.memoryUsage.rss(),
      }),
      ask: async (question) => this.#gateway?.answer(question),
      retire: (terms) => this.#end(async (gateway) => gateway.retire(terms)),
    }
  }

  #noteListener(message: unknown, handle: unknown): void {
    if (!isListenerMessage(message)) return
    const { role, host, port } = message
    const shared = { host, port, ...(handle !== undefined && { handle }) }
    if (role === 'https') {
      this.#listenSql.push(shared)
      return
    }
    this.#listen.push({ ...shared, pooled: role === 'pooled' })
  }

  #reloadCertificates(material: TlsMaterial): void {
    this.#latestTls = material
    this.#gateway?.reloadCertificates(material)
  }

  async #start(config: WorkerConfig): Promise<void> {
    const { number, directory, domain, limits, secret, tls } = config
    const log = this.#host.createLog(config)
    const controlPlane = new RemoteControlPlane(this.#daemon)
    this.#leaveBytes = async () => leaveBytes(directory, controlPlane.takeUntold())
    const siblings = new Siblings({ directory, number })
    siblings.setSlots(config.slots)
    const gateway = createGateway({
      controlPlane,
      tls,
      secret,
      domain,
      listen: this.#listen,
      listenSql: this.#listenSql,
      version: config.version,
      log,
      limits,
      siblings,
    })
    this.#log = log
    this.#siblings = siblings
    await gateway.start()
    this.#gateway = gateway
    this.#isStarted = true
    // It may have changed while this began.
    if (this.#latestTls) gateway.reloadCertificates(this.#latestTls)
    log.info({ number, pid: process.pid }, 'accepting connections')
    // The daemon may have gone while this began.
    if (this.#daemon.isClosed) this.#onDaemonGone()
  }

  /**
   * The sessions that there are go on. The ports are the next daemon's, which starts processes of its
   * own: this one is left alone until its last client leaves.
   */
  #onDaemonGone(): void {
    if (!this.#isStarted) {
      this.#host.exit()
      return
    }
    this.#end(async (gateway) => {
      await gateway.stopListening()
      this.#log?.warn(
        { sessions: gateway.sessionCount },
        'the daemon is gone: serving what is here',
      )
      const leaving = setInterval(() => void this.#tryToLeaveBytes(), leaveEveryMs)
      await gateway.idle()
      await gateway.stop()
      clearInterval(leaving)
      await this.#tryToLeaveBytes()
    })
  }

  async #tryToLeaveBytes(): Promise<void> {
    await this.#leaveBytes().catch((error: unknown) => {
      this.#log?.warn({ error: describeError(error) }, 'bytes that were sent are not counted')
    })
  }

  /** A further reason, such as a signal while clients are waited for, can only end them sooner. */
  #end(work: (gateway: Gateway) => Promise<void>): void {
    const gateway = this.#gateway
    if (gateway === undefined) {
      this.#host.exit()
      return
    }
    const isFirst = !this.#isEnding
    this.#isEnding = true
    work(gateway).then(
      () => {
        if (isFirst) this.#host.exit()
      },
      (error: unknown) => {
        this.#log?.error({ error: describeError(error) }, 'did not stop cleanly')
        this.#host.exit()
      },
    )
  }
}

function isListenerMessage(message: unknown): message is ListenerMessage {
  return (
    typeof message === 'object' &&
    message !== null &&
    'kind' in message &&
    message.kind === 'listener'
  )
}
