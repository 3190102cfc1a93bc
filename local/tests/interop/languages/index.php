<?php
// PHP's own server.
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if ($path === '/where') {
    echo __DIR__ . ' ' . getcwd();
} elseif ($path === '/length') {
    echo strlen(file_get_contents('php://input'));
} elseif ($path === '/big') {
    echo str_repeat('x', (int) $_GET['bytes']);
} elseif ($path === '/stream') {
    for ($number = 0; $number < 3; $number++) {
        usleep(200000);
        echo "chunk $number\n";
        ob_flush();
        flush();
    }
} elseif ($path === '/slow') {
    error_log('slow begins');
    sleep(3);
} else {
    echo file_get_contents('/code/word');
}
