// Egg: its cluster of one worker, as `egg-scripts start` has it.
const framework = process.env.NODE_PATH + '/egg';
require(framework).startCluster({
  baseDir: '/code', framework, port: Number(process.env.OWN_PORT), hostname: '0.0.0.0', workers: 1,
});
