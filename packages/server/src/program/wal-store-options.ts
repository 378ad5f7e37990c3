import { isDeepStrictEqual } from 'node:util'

import { parseS3Location, type S3Location, type S3SettingNames } from '@coppice/s3/location'

import { AppError } from '../lib/errors.ts'
import type { SavedConfig } from '../lib/saved-config.ts'

/** Where WAL is kept beside the pool, as flags and what was saved say. */
export interface WalStoreOptions {
  /** Undefined keeps it in the pool alone. */
  location: S3Location | undefined
  /** Whether it is another than at the last start, whoever names it: then it has to answer. */
  isNew: boolean
  /** Where it was at the last start. */
  before: S3Location | undefined
  /** To be remembered. */
  saved: Pick<SavedConfig, 'wal_store' | 's3_endpoint' | 's3_region'>
}

interface WalStoreFlags {
  'wal-store'?: string | undefined
  's3-endpoint'?: string | undefined
  's3-region'?: string | undefined
}

const names: S3SettingNames = {
  location: '--wal-store',
  form: 's3://bucket/prefix, or local',
  region: '--s3-region',
  endpoint: '--s3-endpoint',
  refuse: (message) => new AppError('invalid_request', message),
}

/** Rejects with AppError `invalid_request`. */
export function walStoreOptions(flags: WalStoreFlags, saved: SavedConfig): WalStoreOptions {
  const place = flags['wal-store'] ?? saved.wal_store ?? 'local'
  const endpoint = flags['s3-endpoint'] ?? saved.s3_endpoint
  const region = flags['s3-region'] ?? saved.s3_region
  const before = savedLocation(saved)
  if (place !== 'local') {
    const location = parseS3Location(place, { endpoint, region }, names)
    const isNew = !isDeepStrictEqual(location, before)
    const saves = { wal_store: place, s3_endpoint: endpoint, s3_region: region }
    return { location, isNew, before, saved: saves }
  }
  if (flags['s3-endpoint'] !== undefined || flags['s3-region'] !== undefined) {
    throw new AppError(
      'invalid_request',
      '--s3-endpoint and --s3-region go with --wal-store s3://bucket/prefix',
    )
  }
  const saves = { wal_store: undefined, s3_endpoint: undefined, s3_region: undefined }
  return { location: undefined, isNew: before !== undefined, before, saved: saves }
}

function savedLocation(saved: SavedConfig): S3Location | undefined {
  const { wal_store: url, s3_endpoint: endpoint, s3_region: region } = saved
  return url === undefined ? undefined : parseS3Location(url, { endpoint, region }, names)
}
