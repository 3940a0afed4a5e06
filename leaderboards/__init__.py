"""What has been measured: records, published figures and the leaderboards made from them."""
