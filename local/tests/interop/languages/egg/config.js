// The settings of the Egg application.
module.exports = () => ({
  keys: 'of a test',
  security: { csrf: false },
  bodyParser: { enable: false },
  logger: { dir: '/tmp/logs' },
  rundir: '/tmp/run',
});
