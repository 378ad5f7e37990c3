import { createContext, type ReactNode, useContext, useState, useSyncExternalStore } from 'react'

/** The moment that is pointed at, for all charts of a page. */
class Cursor {
  #atMs: number | undefined
  readonly #listeners = new Set<() => void>()

  get = (): number | undefined => this.#atMs

  set = (atMs: number | undefined): void => {
    if (atMs === this.#atMs) return
    this.#atMs = atMs
    for (const listener of this.#listeners) listener()
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
}

const Shared = createContext(new Cursor())

/** Charts within it point at the same moment. */
export function SharedCursor({ children }: { children: ReactNode }): ReactNode {
  const [cursor] = useState(() => new Cursor())
  return <Shared value={cursor}>{children}</Shared>
}

/** Sets the moment, without being drawn anew when it changes. */
export const useSetCursor = (): ((atMs: number | undefined) => void) => useContext(Shared).set

export function useCursor(): number | undefined {
  const cursor = useContext(Shared)
  return useSyncExternalStore(cursor.subscribe, cursor.get)
}
