import type { ChildProcess, SendHandle, Serializable } from 'node:child_process'

/** Plain data between two processes of the platform, in order, each message whole or not at all. */
export interface Channel {
  /** To a channel that has closed nothing is sent. A handle goes along with its message. */
  send(message: unknown, handle?: unknown): void
  onMessage(receive: (message: unknown, handle: unknown) => void): void
  /** Once the other side is gone. */
  onClose(act: () => void): void
}

/**
 * Node's channel between a process and one that it has forked; both must have been told
 * `serialization: 'advanced'`, for maps and bytes. Never throws for a peer that has died: its end comes
 * as a close.
 */
export function processChannel(end: ChildProcess | NodeJS.Process): Channel {
  // What could not be written any more is no news: the close is.
  end.on('error', () => undefined)
  return {
    send: (message, handle) => {
      if (!end.connected) return
      // Node's types know neither maps in messages nor a bound socket without a server around it.
      const [plain, shared] = [message as Serializable, handle as SendHandle | undefined]
      end.send?.(plain, shared, undefined, () => undefined)
    },
    onMessage: (receive) => {
      end.on('message', (message: unknown, handle: unknown) => receive(message, handle))
    },
    onClose: (act) => {
      end.once('disconnect', act)
    },
  }
}
