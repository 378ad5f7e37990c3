/** `$1.20`, `0.0031 EUR`: two digits, more where that would be nothing. */
export function formatMoney(amount: number, currency: string): string {
  const digits = amount !== 0 && amount < 0.01 ? 4 : 2
  const text = amount.toFixed(digits)
  return currency === 'USD' ? `$${text}` : `${text} ${currency}`
}
