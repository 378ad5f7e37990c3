import type { Duplex } from 'node:stream'

import type { Logger } from '../../lib/log.ts'
import type { CancelKeys } from '../cancel.ts'
import type { ControlPlane } from '../control-plane.ts'
import type { PoolAdmin } from '../pool/report.ts'
import { defaultPoolSettings, type PoolSettings, readPoolSettings } from '../pool/settings.ts'
import { serveConsole } from './console.ts'
import { Statistics } from './statistics.ts'
import type { Visitor } from './visitor.ts'

/** The console as the gateway's sessions use it. */
export interface ConsoleService {
  /** Serves a client that has logged in until it leaves. Never rejects. */
  serve(stream: Duplex, visitor: Visitor, signal: AbortSignal): Promise<void>
  stop(): void
}

export interface ConsoleServiceOptions {
  admin: PoolAdmin
  cancelKeys: CancelKeys
  controlPlane: Pick<ControlPlane, 'findEndpoint'>
  /** Coppice's. */
  version: string
  log: Logger
}

export function createConsoleService(options: ConsoleServiceOptions): ConsoleService {
  const statistics = new Statistics(options.admin)
  return {
    serve: async (stream, visitor, signal) =>
      serveConsole({
        ...options,
        stream,
        visitor,
        signal,
        statistics,
        settings: async () => settingsOf(visitor, options.controlPlane),
      }),
    stop: () => statistics.stop(),
  }
}

/** Settings that cannot be read are the pools' to complain of; they use the defaults then. */
async function settingsOf(
  { endpointId }: Visitor,
  controlPlane: Pick<ControlPlane, 'findEndpoint'>,
): Promise<PoolSettings> {
  const access = endpointId === undefined ? undefined : await controlPlane.findEndpoint(endpointId)
  try {
    return readPoolSettings(access?.poolerSettings ?? {})
  } catch (error) {
    if (error instanceof RangeError) return defaultPoolSettings
    throw error
  }
}
