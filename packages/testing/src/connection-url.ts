export type SslMode = 'require' | 'verify-full' | 'omit'

/** The connection string with the TLS that was asked for, or the safest that is known to work. */
export function secureUrl(
  url: string,
  mode: SslMode | undefined,
  caFile: string | undefined,
): string {
  switch (mode ?? (caFile === undefined ? 'require' : 'verify-full')) {
    case 'require':
      return url
    case 'omit':
      return withParameters(url, { sslmode: undefined, channel_binding: undefined })
    case 'verify-full':
      return withParameters(url, { sslmode: 'verify-full', sslrootcert: caFile ?? 'system' })
  }
}

/** As text: `URL` would write a space as `+`, which libpq does not read as one. */
function withParameters(url: string, changes: Record<string, string | undefined>): string {
  const [base = '', query = ''] = url.split('?', 2)
  const kept = query
    .split('&')
    .filter((pair) => pair !== '' && !Object.hasOwn(changes, pair.split('=', 1)[0] ?? ''))
  const added = Object.entries(changes).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  )
  const parameters = [...kept, ...added]
  return parameters.length === 0 ? base : `${base}?${parameters.join('&')}`
}
