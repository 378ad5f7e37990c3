import type { Change } from '@coppice/api'

import { describeError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { Service } from '../../lib/service.ts'
import { listenToChanges } from '../store/changes.ts'
import type { StoreAddress } from '../store/store.ts'

/** What a listener is told: a change, or that some may have been missed. */
export type ChangeEvent = { type: 'change'; change: Change } | { type: 'missed' }

/**
 * Changes of the store, for as many listeners as there are. Triggers of the store say them, so nothing
 * that writes has to think of it, and a daemon beside this one is heard too.
 */
export class ChangeFeed implements Service {
  readonly #address: StoreAddress
  readonly #log: Logger
  readonly #listeners = new Set<(event: ChangeEvent) => void>()
  #unlisten: (() => Promise<void>) | undefined

  constructor(address: StoreAddress, log: Logger) {
    this.#address = address
    this.#log = log
  }

  async start(): Promise<void> {
    this.#unlisten = await listenToChanges(
      this.#address,
      (payload) => this.#tell({ type: 'change', change: JSON.parse(payload) as Change }),
      () => this.#tell({ type: 'missed' }),
    )
  }

  async stop(): Promise<void> {
    await this.#unlisten?.().catch((error: unknown) => {
      this.#log.warn({ error: describeError(error) }, 'the store was away while the feed stopped')
    })
    this.#unlisten = undefined
  }

  /** Tells of every change from now on; the answer ends that. */
  subscribe(listener: (event: ChangeEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #tell(event: ChangeEvent): void {
    for (const listener of this.#listeners) listener(event)
  }
}
