import type { PlatformStatus } from '@coppice/api'
import type { ReactNode } from 'react'

import { formatBytes } from '../../ui/format.ts'
import { Facts } from './Facts.tsx'

interface PlatformFactsProps {
  status: PlatformStatus
  /** Of the metadata store, as last sampled. */
  storeBytes: number | undefined
}

/** Versions, places, store and WAL store. */
export function PlatformFacts({ status, storeBytes }: PlatformFactsProps): ReactNode {
  const { certificate, store, postgres } = status
  const size = storeBytes === undefined || storeBytes === 0 ? '' : `, ${formatBytes(storeBytes)}`
  const facts: [string, string][] = [
    ['Home', status.home],
    ['Domain', status.domain],
    [
      'Ports',
      `${status.direct_port} direct, ${status.pooled_port} pooled, ${status.sql_port} SQL over HTTP`,
    ],
    [
      'Certificate',
      `${certificate.kind === 'own' ? 'of the platform’s own authority' : certificate.file}, until ${certificate.expires_at.slice(0, 10)}`,
    ],
    ['Metadata store', `${storeText(store.kind)}${store.available ? size : ', not available'}`],
    ['WAL store', walText(status)],
    ...postgres.map(({ version, origin }, at): [string, string] => [
      at === 0 ? 'PostgreSQL' : '',
      `${version} (${origin})`,
    ]),
  ]
  return <Facts facts={facts} />
}

const storeText = (kind: string): string =>
  kind === 'own' ? 'a PostgreSQL of the platform’s own' : 'yours, by COPPICE_DATABASE_URL'

function walText({ wal_store: store }: PlatformStatus): string {
  if (store === undefined) return 'in the storage pool'
  const { url, waiting_files, waiting_bytes } = store
  return waiting_files === 0
    ? `${url}, nothing waits`
    : `${url}, ${waiting_files} files (${formatBytes(waiting_bytes)}) wait`
}
