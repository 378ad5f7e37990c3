import { AppError } from '../lib/errors.ts'

/** A place below a bucket of an S3-compatible service. */
export interface S3Location {
  bucket: string
  /** Without slashes at its ends; empty for the whole bucket. */
  prefix: string
  /** Origin of the service, and a path where it has one; the bucket is addressed below it. */
  endpoint: string
  region: string
}

export interface S3Credentials {
  accessKeyId: string
  secretAccessKey: string
}

/** What S3 itself calls it where nothing is said, and what other services take for any. */
const defaultRegion = 'us-east-1'

const bucketPattern = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/
const prefixPattern = /^[A-Za-z0-9_.-]+(?:\/[A-Za-z0-9_.-]+)*$/
const regionPattern = /^[A-Za-z0-9-]{1,40}$/

/** Reads `s3://bucket/prefix`. Rejects with AppError `invalid_request`. */
export function parseS3Location(
  url: string,
  given: { endpoint: string | undefined; region: string | undefined },
): S3Location {
  const [, bucket = '', path = ''] = /^s3:\/\/([^/]*)\/?(.*)$/.exec(url) ?? []
  const prefix = path.replace(/\/+$/, '')
  if (!bucketPattern.test(bucket)) {
    throw new AppError(
      'invalid_request',
      `--wal-store ${url} is no place for WAL; write s3://bucket/prefix, or local`,
    )
  }
  if (prefix !== '' && (!prefixPattern.test(prefix) || prefix.length > 200)) {
    throw new AppError(
      'invalid_request',
      `--wal-store ${url}: the prefix may have letters, digits, '_', '.', '-' and single slashes`,
    )
  }
  const region = given.region ?? defaultRegion
  if (!regionPattern.test(region)) {
    throw new AppError('invalid_request', `--s3-region ${region} is not the name of a region`)
  }
  const endpoint = given.endpoint ?? `https://s3.${region}.amazonaws.com`
  return { bucket, prefix, endpoint: checkEndpoint(endpoint), region }
}

export const renderS3Url = ({ bucket, prefix }: S3Location): string =>
  prefix === '' ? `s3://${bucket}` : `s3://${bucket}/${prefix}`

/** Whether what is sent there can be read on the way. */
export function isInTheClear({ endpoint }: S3Location): boolean {
  const { protocol, hostname } = new URL(endpoint)
  return protocol === 'http:' && !/^(?:localhost|127\..*|\[::1\])$/.test(hostname)
}

function checkEndpoint(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isPlain =
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    url.username === '' &&
    url.password === '' &&
    url.search === '' &&
    url.hash === ''
  if (isPlain) return url.origin + url.pathname.replace(/\/+$/, '')
  // A text that is no URL of ours may hold a secret, so it is not repeated.
  throw new AppError(
    'invalid_request',
    '--s3-endpoint must be a URL such as https://minio.example.org:9000, without credentials or a query',
  )
}
