/**
 * SQL that does nothing but fail with SQLSTATE 0A000 and this message: in place of a statement that is
 * not for the server, it keeps the order of answers and the state of the transaction right.
 */
export function failingStatement(message: string): string {
  const text = message.replaceAll("'", "''")
  return `do $coppice$begin raise exception using errcode = '0A000', message = '${text}'; end$coppice$`
}
