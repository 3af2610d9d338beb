-- Users and databases of the MySQL test server: read by scripts/servers and by docker-compose.yml.
-- xabridge has what an application needs and the one grant recovery needs; xabridge_limited lacks that grant.
CREATE DATABASE xabridge;
CREATE DATABASE xabridge2;
CREATE USER 'xabridge'@'%' IDENTIFIED BY 'xabridge-test';
CREATE USER 'xabridge_limited'@'%' IDENTIFIED BY 'xabridge-test';
CREATE USER 'xabridge_admin'@'%' IDENTIFIED BY 'xabridge-admin-test';
GRANT ALL PRIVILEGES ON xabridge.* TO 'xabridge'@'%', 'xabridge_limited'@'%';
GRANT ALL PRIVILEGES ON xabridge2.* TO 'xabridge'@'%', 'xabridge_limited'@'%';
GRANT XA_RECOVER_ADMIN ON *.* TO 'xabridge'@'%';
GRANT ALL PRIVILEGES ON *.* TO 'xabridge_admin'@'%' WITH GRANT OPTION;
