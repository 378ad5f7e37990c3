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

/** What the settings are called where they are given, and the error for one that is not allowed. */
export interface S3SettingNames {
  location: string
  /** What may stand there. */
  form: string
  region: string
  endpoint: string
  refuse(message: string): Error
}

/** What S3 itself calls it where nothing is said, and what other services take for any. */
const defaultRegion = 'us-east-1'

const bucketPattern = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/
const prefixPattern = /^[A-Za-z0-9_.-]+(?:\/[A-Za-z0-9_.-]+)*$/
const regionPattern = /^[A-Za-z0-9-]{1,40}$/

/** Reads `s3://bucket/prefix`. Throws what `names.refuse` makes of the reason. */
export function parseS3Location(
  url: string,
  given: { endpoint: string | undefined; region: string | undefined },
  names: S3SettingNames,
): S3Location {
  const [, bucket = '', path = ''] = /^s3:\/\/([^/]*)\/?(.*)$/.exec(url) ?? []
  const prefix = path.replace(/\/+$/, '')
  if (!bucketPattern.test(bucket)) {
    throw names.refuse(`${names.location} ${url} is no place in S3; write ${names.form}`)
  }
  if (prefix !== '' && (!prefixPattern.test(prefix) || prefix.length > 200)) {
    throw names.refuse(
      `${names.location} ${url}: the prefix may have letters, digits, '_', '.', '-' and single slashes`,
    )
  }
  const region = given.region ?? defaultRegion
  if (!regionPattern.test(region)) {
    throw names.refuse(`${names.region} ${region} is not the name of a region`)
  }
  const endpoint = checkEndpoint(given.endpoint ?? `https://s3.${region}.amazonaws.com`, names)
  return { bucket, prefix, endpoint, region }
}

export const renderS3Url = ({ bucket, prefix }: S3Location): string =>
  prefix === '' ? `s3://${bucket}` : `s3://${bucket}/${prefix}`

/** Whether what is sent there can be read on the way. */
export function isInTheClear({ endpoint }: S3Location): boolean {
  const { protocol, hostname } = new URL(endpoint)
  return protocol === 'http:' && !/^(?:localhost|127\..*|\[::1\])$/.test(hostname)
}

function checkEndpoint(text: string, names: S3SettingNames): string {
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
  throw names.refuse(
    `${names.endpoint} must be a URL such as https://minio.example.org:9000, without credentials or a query`,
  )
}
