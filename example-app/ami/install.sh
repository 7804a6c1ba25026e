#!/bin/sh
# Runs on the temporary instance after Packer has uploaded the directory hello to /tmp.
set -eu

sudo install -D -m 644 /tmp/hello/index.html /srv/hello/index.html
sudo install -m 644 /tmp/hello/hello.service /etc/systemd/system/hello.service
sudo systemctl enable hello.service
rm -r /tmp/hello
