// Tables for the terminal: first column to the left, numbers to the right.
export function table(rows) {
  const widths = rows[0].map((_, i) => Math.max(...rows.map(row => String(row[i]).length)))
  const line = row => row.map((cell, i) => i === 0 ? String(cell).padEnd(widths[i]) : String(cell).padStart(widths[i])).join('  ')
  return [line(rows[0]), widths.map(width => '─'.repeat(width)).join('  '), ...rows.slice(1).map(line)].join('\n')
}
