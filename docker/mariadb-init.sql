-- Users and databases of the MariaDB test server: read by scripts/servers and by docker-compose.yml.
-- MariaDB lets everybody run XA RECOVER; the limited user lacks PROCESS.
CREATE DATABASE xabridge;
CREATE DATABASE xabridge2;
CREATE USER 'xabridge'@'%' IDENTIFIED BY 'xabridge-test';
CREATE USER 'xabridge_limited'@'%' IDENTIFIED BY 'xabridge-test';
CREATE USER 'xabridge_admin'@'%' IDENTIFIED BY 'xabridge-admin-test';
GRANT ALL PRIVILEGES ON xabridge.* TO 'xabridge'@'%', 'xabridge_limited'@'%';
GRANT ALL PRIVILEGES ON xabridge2.* TO 'xabridge'@'%', 'xabridge_limited'@'%';
GRANT PROCESS ON *.* TO 'xabridge'@'%';
GRANT ALL PRIVILEGES ON *.* TO 'xabridge_admin'@'%' WITH GRANT OPTION;
