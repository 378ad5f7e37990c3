import type { ControlPlane, SessionActivity } from '../control-plane.ts'
import type { DaemonProcedures } from './protocol.ts'

/** The daemon's side of one gateway process's control plane. */
export interface ControlPlaneServer {
  procedures: DaemonProcedures
  /** The process is gone, and its sessions with it. */
  close(): void
}

export function serveControlPlane(controlPlane: ControlPlane): ControlPlaneServer {
  const sessions = new Map<number, SessionActivity>()
  let isClosed = false
  return {
    procedures: {
      findEndpoint: async (endpointId) => controlPlane.findEndpoint(endpointId),
      findVerifier: async ({ endpointId, role }) => controlPlane.findVerifier(endpointId, role),
      wake: async ({ endpointId, client }) => controlPlane.wake(endpointId, client),
      jwksFor: async (endpointId) => controlPlane.jwksFor(endpointId),
      prepareTokens: async ({ endpointId, database }) =>
        controlPlane.prepareTokens(endpointId, database),
      isAdminKey: async (key) => controlPlane.isAdminKey(key),
      sessionOpened: ({ id, details }) => {
        // The endpoint may have been deleted since; its session then ends by itself.
        if (!isClosed) sessions.set(id, controlPlane.openSession(details))
      },
      sessionsTouched: (touched) => {
        for (const [id, user] of touched) sessions.get(id)?.touch(user)
      },
      sessionListening: ({ id, isListening }) => {
        sessions.get(id)?.setListening(isListening)
      },
      sessionBackend: ({ id, pid }) => sessions.get(id)?.setBackend(pid),
      sessionEnded: (id) => {
        sessions.get(id)?.end()
        sessions.delete(id)
      },
      bytesSent: (bytes) => {
        for (const [endpointId, count] of bytes) controlPlane.countSent(endpointId, count)
      },
    },
    close: () => {
      isClosed = true
      for (const session of sessions.values()) session.end()
      sessions.clear()
    },
  }
}
