/** A client's session on a compute, as the gateway tells of it. */
export interface SessionDetails {
  role: string
  database: string
  applicationName: string
}

export interface SessionHandle {
  /** Bytes have passed. Cheap: called for every chunk. */
  touch(): void
  /** Whether the session waits for notifications: while it does, it keeps the compute awake. */
  setListening(isListening: boolean): void
  /** May be called twice. */
  end(): void
}

export interface OpenSession extends SessionDetails {
  listeningSince: Date | undefined
}

/** The open sessions of one compute, and when something last happened on any of them. */
export class Sessions {
  readonly #open = new Set<OpenSession>()
  #lastActiveMs: number

  constructor(now: number) {
    this.#lastActiveMs = now
  }

  get count(): number {
    return this.#open.size
  }

  get lastActiveMs(): number {
    return this.#lastActiveMs
  }

  noteActivity(atMs = Date.now()): void {
    if (atMs > this.#lastActiveMs) this.#lastActiveMs = atMs
  }

  listening(): OpenSession[] {
    return [...this.#open].filter((session) => session.listeningSince !== undefined)
  }

  open(details: SessionDetails): SessionHandle {
    const session: OpenSession = { ...details, listeningSince: undefined }
    this.#open.add(session)
    this.noteActivity()
    return {
      touch: () => this.noteActivity(),
      setListening: (isListening) => {
        session.listeningSince = isListening ? (session.listeningSince ?? new Date()) : undefined
      },
      end: () => {
        if (this.#open.delete(session)) this.noteActivity()
      },
    }
  }
}
