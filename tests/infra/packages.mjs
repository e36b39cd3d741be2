// The npm packages that the tests of infra/ need. Where tools/setup has not installed them there is nothing to test with, so
// this says so in one line and ends the test file; ctest counts it as skipped.
const missing = []
const wanted = name => import(name).catch(error => {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
  missing.push(name)
  return {}
})
export const { Language, Parser } = await wanted('web-tree-sitter')
export const { parse, parseAllDocuments } = await wanted('yaml')
if (missing.length > 0) {
  console.log(`skipped: no npm package ${missing.join(', ')} in tests/infra; tools/setup installs it`)
  process.exit(0)
}
