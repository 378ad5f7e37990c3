import type { SessionActivity } from './control-plane.ts'

const listenWord = /\blisten\b/i
const unlistenWord = /\bunlisten\b/i
const clearing = /\bunlisten\s*\*|\bdiscard\s+all\b/i
const unlistenOne = /\bunlisten\s+[^\s*]/i

/** `LISTEN` and `COMMIT` with their NUL. */
const listenTagBytes = 7
/** `DISCARD ALL` with its NUL: no tag that matters is longer. */
const maxTagBytes = 12

/**
 * Whether a session waits for notifications, from what passes by. A text may say LISTEN within a
 * function; so a text that might have begun it counts at once, and only an UNLISTEN * or DISCARD ALL
 * that was committed after the last such text ends it. In doubt a session listens: its compute stays
 * awake.
 */
export class Listening {
  readonly #activity: SessionActivity
  #isListening = false
  /** Whether the last text that could matter can only have ended it. */
  #clears = false
  /** Whether it has ended, once the transaction is committed. */
  #isEnding = false

  constructor(activity: SessionActivity) {
    this.#activity = activity
  }

  /** A text of the client; undefined for one that is too long to look into. */
  noteText(text: string | undefined): void {
    if (text === undefined) this.#clears = false
    else if (listenWord.test(text)) {
      this.#clears = false
      this.#set(true)
    } else if (clearing.test(text)) this.#clears = !unlistenOne.test(text)
    else if (unlistenWord.test(text)) this.#clears = false
  }

  /** Whether `noteTag` is to be told of a CommandComplete of this length. */
  wantsTag(bodyBytes: number): boolean {
    return this.#isListening ? bodyBytes <= maxTagBytes : bodyBytes === listenTagBytes
  }

  /** The body of a CommandComplete. */
  noteTag(body: Buffer): void {
    const tag = body.toString('latin1', 0, body.length - 1)
    if (tag === 'LISTEN') {
      this.#isEnding = false
      this.#set(true)
    } else if (tag === 'UNLISTEN' || tag === 'DISCARD ALL') this.#isEnding = this.#clears
    else if (tag === 'ROLLBACK') this.#isEnding = false
  }

  noteError(): void {
    this.#isEnding = false
  }

  /** ReadyForQuery outside a transaction: what was done is committed. */
  noteCommitted(): void {
    if (!this.#isEnding) return
    this.#isEnding = false
    this.#set(false)
  }

  #set(isListening: boolean): void {
    if (this.#isListening === isListening) return
    this.#isListening = isListening
    this.#activity.setListening(isListening)
  }
}
