import { createHash } from 'node:crypto'

/**
 * The hash that `tls-server-end-point` binds to (RFC 5929 section 4.1): of the server's certificate,
 * by the hash of its signature algorithm, and by SHA-256 where that is MD5 or SHA-1. Undefined for
 * an algorithm without a hash of its own, such as Ed25519: such a certificate allows no binding.
 */
export function certificateHash(certificate: Buffer): Buffer | undefined {
  const algorithm = signatureHash(certificate)
  return algorithm === undefined ? undefined : createHash(algorithm).update(certificate).digest()
}

/** Signature algorithms by object identifier: RFC 8017 appendix C, RFC 5758 section 3.2. */
const hashOfSignature: Record<string, string> = {
  '1.2.840.113549.1.1.4': 'sha256', // MD5, replaced as RFC 5929 says
  '1.2.840.113549.1.1.5': 'sha256', // SHA-1, likewise
  '1.2.840.113549.1.1.14': 'sha224',
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.1': 'sha256', // ECDSA with SHA-1, likewise
  '1.2.840.10045.4.3.1': 'sha224',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
}

const rsaPss = '1.2.840.113549.1.1.10'
/** RSASSA-PSS names its hash in the parameters; SHA-1, its default, is replaced by SHA-256. */
const hashOfPss: Record<string, string> = {
  '1.3.14.3.2.26': 'sha256',
  '2.16.840.1.101.3.4.2.4': 'sha224',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
}

/** Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signature } (RFC 5280 section 4.1). */
function signatureHash(certificate: Buffer): string | undefined {
  const [outer] = readElements(certificate)
  const [, algorithm] = readElements(outer?.content)
  const [identifier, parameters] = readElements(algorithm?.content)
  const oid = identifier && readObjectIdentifier(identifier.content)
  if (oid === undefined) return undefined
  if (oid !== rsaPss) return hashOfSignature[oid]
  // RSASSA-PSS-params ::= SEQUENCE { [0] hashAlgorithm DEFAULT sha1, [1] … } (RFC 8017 A.2.3).
  const tagged = readElements(parameters?.content).find(({ tag }) => tag === hashAlgorithmTag)
  const [hashAlgorithm] = readElements(tagged?.content)
  const [hash] = readElements(hashAlgorithm?.content)
  return hash === undefined ? 'sha256' : hashOfPss[readObjectIdentifier(hash.content)]
}

const hashAlgorithmTag = 0xa0

interface Element {
  tag: number
  content: Buffer
}

/** Longer than any certificate's length field: what has more is none. */
const maxLengthBytes = 4

/** The DER elements that `bytes` consists of. OpenSSL has parsed and accepted them before us. */
function readElements(bytes: Buffer | undefined): Element[] {
  const elements: Element[] = []
  for (let at = 0; bytes !== undefined && at + 2 <= bytes.length;) {
    const first = bytes.readUInt8(at + 1)
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f
    const start = at + 2 + lengthBytes
    if (lengthBytes > maxLengthBytes || start > bytes.length) break
    const length = lengthBytes === 0 ? first : bytes.readUIntBE(at + 2, lengthBytes)
    elements.push({ tag: bytes.readUInt8(at), content: bytes.subarray(start, start + length) })
    at = start + length
  }
  return elements
}

function readObjectIdentifier(bytes: Buffer): string {
  const [first = 0] = bytes
  const arcs = [Math.min(2, Math.trunc(first / 40)), first % 40]
  // Only identifiers whose first byte is below 128 occur in the tables above.
  if (first >= 80) arcs[1] = first - 80
  let arc = 0
  for (const byte of bytes.subarray(1)) {
    arc = arc * 128 + (byte & 0x7f)
    if (byte < 0x80) {
      arcs.push(arc)
      arc = 0
    }
  }
  return arcs.join('.')
}
