import { setTimeout as delay } from 'node:timers/promises'

import { inTime, late } from '../../lib/in-time.ts'
import { openConnection, type StoreAddress } from './store.ts'

/** The channel of the triggers in `010.do.console.sql`. */
const channel = 'coppice_changes'

/** Before each attempt to hear again: a server that refuses does so at once. */
const pauseMs = 500
const answerTimeoutMs = 15_000

/**
 * Hears of every change of the store's rows, on a connection of its own. `onListening` is called each
 * time that it has begun to hear, also after the store was away: what came between was missed. Rejects where
 * it cannot begin; answers how to stop.
 *
 * Not by `listen` of postgres.js, which keeps to one connection: lost at a wrong moment, that never works
 * again (porsager/postgres#1215).
 */
export async function listenToChanges(
  address: StoreAddress,
  onChange: (payload: string) => void,
  onListening: () => void,
): Promise<() => Promise<void>> {
  const ending = new AbortController()
  const { signal } = ending
  let hearing = await hear(address, onChange)
  onListening()
  const goOn = async (): Promise<void> => {
    while (!signal.aborted) {
      await hearing.ended
      await hearing.stop()
      await delay(pauseMs, undefined, { signal }).catch(() => undefined)
      const next = signal.aborted ? undefined : await hear(address, onChange).catch(() => undefined)
      if (next === undefined) continue
      hearing = next
      // It may be over since it was begun.
      if (signal.aborted) await next.stop()
      else onListening()
    }
  }
  void goOn()
  return async () => {
    ending.abort()
    await hearing.stop()
  }
}

interface Hearing {
  /** Resolves when the connection has ended. */
  ended: Promise<void>
  stop(): Promise<void>
}

async function hear(address: StoreAddress, onChange: (payload: string) => void): Promise<Hearing> {
  let end = (): void => undefined
  const ended = new Promise<void>((resolve) => (end = resolve))
  const sql = openConnection(address, {
    onclose: () => end(),
    onnotify: (_: string, payload: string) => onChange(payload),
  })
  const stop = async (): Promise<void> => sql.end({ timeout: 0 })
  try {
    if ((await inTime(sql.unsafe(`listen ${channel}`), answerTimeoutMs)) !== late)
      return { ended, stop }
    throw new Error('the metadata store does not answer')
  } catch (error) {
    await stop()
    throw error
  }
}
