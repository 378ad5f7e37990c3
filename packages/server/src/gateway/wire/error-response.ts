import { message } from './messages.ts'

/**
 * A FATAL ErrorResponse: the connection ends with it (PostgreSQL manual, "Error and Notice Message
 * Fields"). The severity stands in it twice, for clients to show (S) and to compare (V).
 */
export function errorResponse(sqlstate: string, text: string): Buffer {
  const fields = ['SFATAL', 'VFATAL', `C${sqlstate}`, `M${withoutNul(text)}`]
  return message('E', Buffer.from(`${fields.join('\0')}\0\0`))
}

/** The fields of an ErrorResponse or NoticeResponse body by their one-letter type. */
export function parseErrorFields(body: Buffer): Map<string, string> {
  const fields = new Map<string, string>()
  for (const field of body.toString().split('\0')) {
    if (field !== '') fields.set(field.slice(0, 1), field.slice(1))
  }
  return fields
}

function withoutNul(text: string): string {
  return text.replaceAll('\0', '')
}

/** An ErrorResponse with the fields of another, that ends the connection. */
export function fatal(body: Buffer): Buffer {
  const fields = parseErrorFields(body)
  fields.set('S', 'FATAL').set('V', 'FATAL')
  const text = [...fields].map(([type, value]) => `${type}${value}\0`).join('')
  return message('E', Buffer.from(`${text}\0`))
}
