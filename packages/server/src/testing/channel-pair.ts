import { deserialize, serialize } from 'node:v8'

import type { Channel } from '../gateway/process/channel.ts'

/** The two ends of a channel within this process. */
export interface ChannelPair {
  ends: [Channel, Channel]
  /** As the death of one side: what is under way is lost, and both hear of the end. */
  cut: () => void
}

/** Carries copies, as a channel between processes does, and delivers them when `later` says so. */
export function createChannelPair(
  later: (deliver: () => void) => void = setImmediate,
): ChannelPair {
  const receivers: ((message: unknown, handle: unknown) => void)[][] = [[], []]
  const closers: (() => void)[] = []
  let isCut = false
  const end = (own: 0 | 1): Channel => ({
    send: (message, handle) => {
      if (isCut) return
      const bytes = serialize(message)
      later(() => {
        if (isCut) return
        for (const receive of receivers[1 - own] ?? []) receive(deserialize(bytes), handle)
      })
    },
    onMessage: (receive) => {
      receivers[own]?.push(receive)
    },
    onClose: (act) => {
      closers.push(act)
    },
  })
  return {
    ends: [end(0), end(1)],
    cut: () => {
      if (isCut) return
      isCut = true
      for (const act of closers) act()
    },
  }
}
