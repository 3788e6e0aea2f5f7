"""Whether tact pays: policies that decide what the simulated shop's customers are sent, judged by its known truth."""
