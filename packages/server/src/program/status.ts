import type { CertificateStatus, ComputeStatus, GatewayProcess, PlatformStatus } from '@coppice/api'

import { type Compute, isActive } from '../compute/compute.ts'
import { processTreeCpuMs } from '../compute/cpu-time.ts'
import { memoryBytes } from '../compute/memory.ts'
import type { Context } from '../control/context.ts'
import { endpointState } from '../control/endpoints.ts'
import type { WalSpool } from '../history/wal-spool.ts'
import type { Home } from '../lib/home.ts'
import { version } from './version.ts'

interface StatusSource {
  context: Context
  home: Home
  apiUrl: string
  storeKind: string
  startedAt: Date
  certificate: () => CertificateStatus
  /** The gateway's processes. */
  gateway: () => Promise<GatewayProcess[]>
  /** The file that the pool lies in, where there is one. */
  poolImage: string | undefined
}

/** `GET /platform/status`: what runs here, and what keeps each compute awake. */
export function createPlatformStatus(source: StatusSource): () => Promise<PlatformStatus> {
  const { context, home } = source
  const { settings, volumes } = context
  return async () => {
    const space = await volumes.space()
    const computes = context.host.list()
    return {
      version,
      pid: process.pid,
      started_at: source.startedAt.toISOString(),
      home: home.root,
      api_url: source.apiUrl,
      domain: settings.domain,
      direct_port: settings.directPort,
      pooled_port: settings.pooledPort,
      sql_port: settings.sqlPort,
      certificate: source.certificate(),
      store: { kind: source.storeKind, available: true },
      pool: {
        driver: volumes.kind,
        path: volumes.root,
        ...(source.poolImage !== undefined && { image: source.poolImage }),
        total_bytes: space.totalBytes,
        free_bytes: space.freeBytes,
        ...(volumes.warning !== undefined && { warning: volumes.warning }),
      },
      ...(context.history.spool && { wal_store: await presentSpool(context.history.spool) }),
      limits: presentLimits(context),
      gateway: await source.gateway(),
      postgres: context.installations.map(({ version: number, origin }) => ({
        version: number,
        origin,
      })),
      computes: await Promise.all(
        computes.map(async (compute) => presentCompute(context, compute)),
      ),
    }
  }
}

function presentLimits({ host }: Context): PlatformStatus['limits'] {
  const { awakeCount, waitingIds, limits } = host.capacity
  return {
    kind: host.groups.kind,
    detail: host.groups.detail,
    awake: awakeCount,
    waiting: waitingIds.length,
    waiting_endpoints: waitingIds,
    ...(Number.isFinite(limits.maxAwake) && { max_awake: limits.maxAwake }),
  }
}

async function presentSpool(spool: WalSpool): Promise<NonNullable<PlatformStatus['wal_store']>> {
  const { url, files, bytes, since, failure } = await spool.state()
  return {
    url,
    waiting_files: files,
    waiting_bytes: bytes,
    ...(since && { waiting_since: since.toISOString() }),
    ...(failure && { error: failure.message, error_since: failure.since.toISOString() }),
  }
}

async function presentCompute(context: Context, compute: Compute): Promise<ComputeStatus> {
  const { spec, state } = compute
  const isUp = isActive(state)
  const pid = isUp ? compute.pid : undefined
  const memory = pid === undefined ? undefined : await memoryBytes(pid)
  const cpuMs = pid === undefined ? undefined : processTreeCpuMs(pid)
  const { min, max } = compute.size.bounds
  const timeout = spec.suspendTimeoutSeconds
  const lastActive = compute.lastActiveAt
  const installation = context.installations.find((one) => one.majorVersion === spec.pgVersion)
  return {
    endpoint_id: spec.endpointId,
    project_id: spec.labels['project_id'] ?? '',
    branch_id: spec.labels['branch_id'] ?? '',
    branch_name: spec.labels['branch_name'] ?? '',
    type: spec.isStandby ? 'read_only' : 'read_write',
    current_state: endpointState(state),
    pg_version: installation?.version ?? String(spec.pgVersion),
    ...(compute.pid !== undefined && { pid: compute.pid }),
    sessions: compute.sessionCount,
    ...(memory !== undefined && { memory_bytes: memory }),
    ...(cpuMs !== undefined && { cpu_seconds: cpuMs / 1000 }),
    min_compute_units: min,
    max_compute_units: max,
    ...(isUp && { compute_units: compute.size.units, frozen: state === 'frozen' }),
    ...(compute.startedAt && { started_at: compute.startedAt.toISOString() }),
    last_active: lastActive.toISOString(),
    ...(isUp &&
      timeout >= 0 && {
        suspend_at: new Date(lastActive.getTime() + timeout * 1000).toISOString(),
      }),
    awake: isUp ? await compute.activity() : [],
  }
}
