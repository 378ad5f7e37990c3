import type { Store } from './store.ts'

/** The channel of the triggers in `010.do.console.sql`. */
const channel = 'coppice_changes'

/**
 * Hears of every change of the store's rows, on a connection of its own. `onListening` is called each
 * time that it has begun to hear, also after the store was away: what came between was missed.
 */
export async function listenToChanges(
  store: Store,
  onChange: (payload: string) => void,
  onListening: () => void,
): Promise<() => Promise<void>> {
  const listening = await store.listen(channel, onChange, onListening)
  return async () => listening.unlisten()
}
