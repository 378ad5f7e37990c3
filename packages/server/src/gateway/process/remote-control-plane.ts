/** The control plane as a gateway process has it: every question is a message to the daemon. */
import type {
  ComputeAddress,
  ControlPlane,
  EndpointAccess,
  SessionActivity,
  SessionDetails,
  SessionUser,
  TokenIssuer,
  WakingClient,
} from '../control-plane.ts'
import { ClientError, sqlstates } from '../errors.ts'
import type { DaemonProcedures } from './protocol.ts'
import type { Rpc } from './rpc.ts'

export type DaemonRpc = Pick<Rpc<DaemonProcedures>, 'call' | 'tell' | 'isClosed'>

/** Endpoints and verifiers are read from memory, or from a compute that is awake. */
const lookUpTimeoutMs = 10_000
/** A compute may have to replay WAL; sessions give up earlier by themselves. */
const wakeTimeoutMs = 600_000
/** A session that is busy is said to be so this often, and how much was sent. */
const touchEveryMs = 250
/** After so long without a byte its compute may be frozen, and its client waits: that is said at once. */
const silenceMs = 1_000

export class RemoteControlPlane implements ControlPlane {
  readonly #daemon: DaemonRpc
  readonly #wakes = new Map<string, Promise<ComputeAddress>>()
  readonly #touched = new Map<number, SessionUser | undefined>()
  readonly #sent = new Map<string, number>()
  #lastSessionId = 0

  constructor(daemon: DaemonRpc) {
    this.#daemon = daemon
  }

  async findEndpoint(endpointId: string): Promise<EndpointAccess | undefined> {
    return this.#daemon.call('findEndpoint', endpointId, lookUpTimeoutMs)
  }

  async findVerifier(endpointId: string, role: string): Promise<string | undefined> {
    return this.#daemon.call('findVerifier', { endpointId, role }, lookUpTimeoutMs)
  }

  /** A thousand clients of an application that wait for one compute are one question. */
  async wake(endpointId: string, client?: WakingClient): Promise<ComputeAddress> {
    // Who is not to wake it is refused, and must not be taken for those who may.
    const key = JSON.stringify([endpointId, client?.quiet, client?.applicationName])
    let waking = this.#wakes.get(key)
    if (waking === undefined) {
      waking = this.#daemon
        .call('wake', { endpointId, ...(client && { client }) }, wakeTimeoutMs)
        .finally(() => this.#wakes.delete(key))
      this.#wakes.set(key, waking)
    }
    return waking
  }

  async jwksFor(endpointId: string): Promise<readonly TokenIssuer[]> {
    return this.#daemon.call('jwksFor', endpointId, lookUpTimeoutMs)
  }

  /** Wakes the compute. */
  async prepareTokens(endpointId: string, database: string): Promise<string> {
    return this.#daemon.call('prepareTokens', { endpointId, database }, wakeTimeoutMs)
  }

  async isAdminKey(key: string): Promise<boolean> {
    return this.#daemon.call('isAdminKey', key, lookUpTimeoutMs)
  }

  openSession(details: SessionDetails): SessionActivity {
    const id = ++this.#lastSessionId
    this.#daemon.tell('sessionOpened', { id, details })
    let touchedMs = performance.now()
    return {
      touch: (user) => {
        const now = performance.now()
        this.#touch(id, user)
        if (now - touchedMs >= silenceMs) this.#tellTouched()
        touchedMs = now
      },
      setListening: (isListening) => this.#daemon.tell('sessionListening', { id, isListening }),
      setBackend: (pid) => this.#daemon.tell('sessionBackend', { id, pid }),
      end: () => {
        this.#touched.delete(id)
        this.#tellSent()
        this.#daemon.tell('sessionEnded', id)
      },
    }
  }

  countSent(endpointId: string, bytes: number): void {
    if (this.#sent.size === 0) setTimeout(() => this.#tellSent(), touchEveryMs).unref()
    this.#sent.set(endpointId, (this.#sent.get(endpointId) ?? 0) + bytes)
  }

  /** What was sent and no daemon was told of; it is the caller's from now on. */
  takeUntold(): ReadonlyMap<string, number> {
    const untold = new Map(this.#sent)
    this.#sent.clear()
    return untold
  }

  #tellSent(): void {
    if (this.#sent.size === 0 || this.#daemon.isClosed) return
    this.#daemon.tell('bytesSent', new Map(this.#sent))
    this.#sent.clear()
  }

  #touch(id: number, user: SessionUser | undefined): void {
    // The first since they were told last; the others go with it.
    if (this.#touched.size === 0) setTimeout(() => this.#tellTouched(), touchEveryMs).unref()
    const known = this.#touched.get(id)
    // What is no activity takes nothing back of what was.
    if (user?.quiet === true && this.#touched.has(id)) return
    this.#touched.set(id, user ?? (known?.quiet === true ? undefined : known))
  }

  #tellTouched(): void {
    if (this.#touched.size === 0) return
    const touched = [...this.#touched].map(([id, user]): [number, SessionUser | undefined] => [
      id,
      user && {
        applicationName: user.applicationName,
        clientAddress: user.clientAddress,
        quiet: user.quiet,
      },
    ])
    this.#daemon.tell('sessionsTouched', new Map(touched))
    this.#touched.clear()
  }
}

/** What control calls fail with while there is no daemon. */
export function platformRestarting(): ClientError {
  return new ClientError(sqlstates.cannotConnectNow, 'the platform is restarting, try again')
}
