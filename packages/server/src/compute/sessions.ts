/** A client's session on a compute, as the gateway tells of it. */
export interface SessionDetails {
  role: string
  database: string
  applicationName: string
  clientAddress?: string
  pooled?: boolean
  /**
   * Whether it keeps nothing awake, as health checks ask for. A connection of a pool that was opened for
   * such a client serves others as well: of it only the opening is quiet.
   */
  quiet?: boolean
}

export interface SessionHandle {
  /** Bytes have passed; of a connection of a pool, for whom. Cheap: called for every chunk. */
  touch(user?: Pick<SessionDetails, 'applicationName' | 'clientAddress' | 'quiet'>): void
  /** Whether the session waits for notifications: while it does, it keeps the compute awake. */
  setListening(isListening: boolean): void
  /** The process that serves it. */
  setBackend(pid: number): void
  /** May be called twice. */
  end(): void
}

export interface OpenSession extends SessionDetails {
  openedAt: Date
  /** By `steadyNow()`. */
  lastActiveMs: number
  listeningSince: Date | undefined
  backendPid: number | undefined
}

/** The open sessions of one compute, and when something last happened on any of them. */
export class Sessions {
  readonly #open = new Set<OpenSession>()
  readonly #now: () => number
  #lastActiveMs: number

  /** Times are by this clock, which never goes back. */
  constructor(now: () => number) {
    this.#now = now
    this.#lastActiveMs = now()
  }

  get count(): number {
    return this.#open.size
  }

  get lastActiveMs(): number {
    return this.#lastActiveMs
  }

  noteActivity(atMs = this.#now()): void {
    if (atMs > this.#lastActiveMs) this.#lastActiveMs = atMs
  }

  /** The one that was active last comes first. */
  list(): OpenSession[] {
    return [...this.#open].toSorted((one, other) => other.lastActiveMs - one.lastActiveMs)
  }

  listening(): OpenSession[] {
    return [...this.#open].filter(
      (session) => session.listeningSince !== undefined && session.quiet !== true,
    )
  }

  open(details: SessionDetails): SessionHandle {
    const { pooled = false } = details
    const isOpenedQuietly = details.quiet === true
    const session: OpenSession = {
      ...details,
      quiet: isOpenedQuietly && !pooled,
      openedAt: new Date(),
      lastActiveMs: this.#now(),
      listeningSince: undefined,
      backendPid: undefined,
    }
    this.#open.add(session)
    const touch: SessionHandle['touch'] = (user) => {
      if (user?.quiet === true) return
      session.lastActiveMs = this.#now()
      if (user !== undefined) {
        session.applicationName = user.applicationName
        session.clientAddress = user.clientAddress ?? ''
      }
      if (session.quiet !== true) this.noteActivity(session.lastActiveMs)
    }
    if (!isOpenedQuietly) this.noteActivity()
    return {
      touch,
      setListening: (isListening) => {
        session.listeningSince = isListening ? (session.listeningSince ?? new Date()) : undefined
      },
      setBackend: (pid) => {
        session.backendPid = pid
      },
      end: () => {
        // That a pool closes what nobody uses is no activity.
        if (this.#open.delete(session) && !pooled) touch()
      },
    }
  }
}
