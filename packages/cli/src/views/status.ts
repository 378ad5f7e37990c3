import type { AwakeReason, ComputeStatus, PlatformStatus } from '@coppice/api'

import type { Context } from '../context-file.ts'
import { formatBytes, formatTime } from '../format.ts'
import { renderDetails, renderTable } from '../table.ts'

/** The platform, then its computes with what keeps each awake. */
export async function renderStatus(status: PlatformStatus, context: Context): Promise<string> {
  const { certificate, pool, store, computes } = status
  const started = formatTime(status.started_at ?? undefined)
  const details = await renderDetails([
    ['Coppice', `${status.version}, process ${status.pid}${started ? `, started ${started}` : ''}`],
    ['API', status.api_url],
    ['Home', status.home],
    ['Domain', status.domain],
    [
      'Ports',
      `${status.direct_port} direct, ${status.pooled_port} pooled, ${status.sql_port} SQL over HTTP`,
    ],
    ['Certificate', certificateOf(status)],
    ['Store', store.available ? store.kind : `${store.kind}, not available`],
    ['Storage', `${pool.driver} in ${pool.path}, ${freeOf(pool)}`],
    ['WAL', walOf(status)],
    ['Limits', limitsOf(status)],
    ['Gateway', gatewayOf(status)],
    ['Linked', linkOf(context)],
    ['PostgreSQL', status.postgres.map((one) => `${one.version} (${one.origin})`).join(', ')],
  ])
  const own = [pool.warning, status.wal_store?.error].filter((text) => text !== undefined)
  const warnings = [...own, ...certificate.warnings]
  const list = computes.length > 0 ? await computeTable(computes) : 'No computes are running.'
  return [details, ...warnings.map((warning) => `Note: ${warning}`), list].join('\n\n')
}

function certificateOf({ certificate }: PlatformStatus): string {
  const { expires_at: until, file, issuer, kind, names } = certificate
  const origin = kind === 'own' ? "of the platform's own authority" : `${file}, by ${issuer}`
  return `${origin}, for ${names.join(', ')}, until ${until.slice(0, 10)}`
}

function linkOf({ projectId, branch }: Context): string | undefined {
  if (projectId === undefined) return undefined
  return `${projectId}, ${branch === undefined ? 'its default branch' : `branch ${branch}`}`
}

function walOf({ wal_store: store }: PlatformStatus): string | undefined {
  if (store === undefined) return undefined
  const { waiting_files: files, waiting_bytes: bytes, waiting_since: since } = store
  if (files === 0) return `${store.url}, nothing waits`
  return `${store.url}, ${files} files (${formatBytes(bytes)}) wait, the oldest from ${formatTime(since)}`
}

function limitsOf({ limits }: PlatformStatus): string {
  const { awake, detail, kind, max_awake: most, waiting } = limits
  const count = `${awake}${most === undefined ? '' : ` of ${most}`} computes awake`
  const queue = waiting > 0 ? `, ${waiting} wait for room` : ''
  return `${kind === 'none' ? `none: ${detail}` : detail}; ${count}${queue}`
}

function gatewayOf({ gateway }: PlatformStatus): string {
  if (gateway.length === 0) return 'within the daemon'
  const sessions = gateway.reduce((sum, one) => sum + one.sessions, 0)
  const draining = gateway.filter(({ state }) => state === 'draining').length
  const ending = draining > 0 ? `, ${draining} of them draining` : ''
  const count = gateway.length === 1 ? '1 process' : `${gateway.length} processes`
  return `${count}${ending}, ${sessions} sessions`
}

function freeOf({ total_bytes: total, free_bytes: free }: PlatformStatus['pool']): string {
  return `${formatBytes(free)} of ${formatBytes(total)} free`
}

async function computeTable(computes: readonly ComputeStatus[]): Promise<string> {
  return renderTable<ComputeStatus>(
    [
      { title: 'endpoint', value: (compute) => compute.endpoint_id },
      { title: 'branch', value: (compute) => compute.branch_name },
      { title: 'state', value: (compute) => (compute.frozen ? 'frozen' : compute.current_state) },
      { title: 'sessions', value: (compute) => String(compute.sessions) },
      { title: 'CU', value: (compute) => compute.compute_units?.toString() },
      { title: 'memory', value: memoryOf },
      { title: 'suspends', value: (compute) => formatTime(compute.suspend_at) },
      { title: 'awake for', value: (compute) => compute.awake.map(describeReason).join('; ') },
    ],
    computes,
  )
}

function memoryOf({ memory_bytes: sizeBytes }: ComputeStatus): string | undefined {
  return sizeBytes === undefined ? undefined : formatBytes(sizeBytes)
}

function describeReason(reason: AwakeReason): string {
  const who = [reason.application_name, reason.role].filter(Boolean).join(' as ')
  return who === '' ? reason.reason : `${reason.reason} (${who})`
}
